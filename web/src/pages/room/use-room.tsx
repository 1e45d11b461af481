import { useMutation, useQueryClient } from '@tanstack/react-query'
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { write, type Room, type RoomLabel, type RoomPerson, type RoomSays, type RoomTaken } from '../../api/room.ts'
import { useToasts } from '../../components/toast.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'

/** A room, and what its names mean to the reader. */
export interface Here {
  room: Room
  organisation: (name: string) => string
  person: (person: RoomPerson) => string
  account: (account: string) => string
  /** The level of the case. */
  level: string
}

const Context = createContext<Here | null>(null)

export function RoomProvider({ room, children }: { room: Room; children: ReactNode }) {
  const here = useNames(room)
  const value = useMemo(() => ({ ...here, room, level: room.case.marking.tlp ?? 'red' }), [here, room])
  return <Context value={value}>{children}</Context>
}

export function useHere(): Here {
  const here = useContext(Context)
  if (!here) throw new Error('no room around this')
  return here
}

/** What organisations and people are called that an answer names. */
export function useNames(named: Pick<Room, 'organisations' | 'people'>): Omit<Here, 'room' | 'level'> {
  const language = useLanguage()
  const { organisations, people } = named
  const organisation = useCallback((name: string) => organisations[name]?.[language] ?? name, [organisations, language])
  const account = useCallback((one: string) => inLanguage(people[one] ?? one.slice(0, 8), language), [people, language])
  const person = useCallback((one: RoomPerson) => `${account(one.account)} (${organisation(one.organisation)})`, [account, organisation])
  return useMemo(() => ({ organisation, person, account }), [organisation, person, account])
}

/** Writes an entry. The key is drawn once for each thing that is said, so that a second press after a broken connection is the same entry. */
export function useWrite(onDone?: () => void) {
  const { t } = useTranslation()
  const { room, organisation } = useHere()
  const client = useQueryClient()
  const { say } = useToasts()
  const [key, setKey] = useState(() => crypto.randomUUID())
  return useMutation({
    mutationFn: ({ label, entry }: { label: RoomLabel; entry: RoomSays; said?: string }) => write(room.case.id, { key, label, entry }),
    onSuccess: async (taken: RoomTaken, { said }) => {
      setKey(crypto.randomUUID())
      if (said !== undefined) say(said)
      const left = taken.not_called ?? []
      if (left.length > 0) say(t('room.notCalled', { names: left.map(organisation).join(', ') }))
      onDone?.()
      await client.invalidateQueries({ queryKey: ['room'] })
    },
  })
}
