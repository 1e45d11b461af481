import { Button, Select, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useRooms, writeSeveral, type RoomCase } from '../../api/room.ts'
import { Section } from '../../components/page.tsx'
import { useToasts } from '../../components/toast.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { ActDialog } from './act.tsx'
import classes from './room.module.css'
import { useHere } from './use-room.tsx'

export const caseName = (one: RoomCase, language: 'ja' | 'en') => `${one.number == null ? '' : `#${one.number} `}${inLanguage(one.title, language)}`

/** The cases that are one incident with this one. Nothing is moved by a merge, so it can be taken back. */
export function Joined() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { room } = useHere()
  const [merging, setMerging] = useState(false)
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const undo = useMutation({
    mutationFn: ({ entry, label }: { entry: string; label: { tlp: string; stub: boolean } }) =>
      writeSeveral([{ case: room.case.id, key: crypto.randomUUID(), label, undo: entry, reason: t('room.mergeUndone') }]),
    onSuccess: async () => {
      say(t('room.unmerged'))
      await client.invalidateQueries({ queryKey: ['room'] })
    },
    onError: fail,
  })
  const takenBack = new Set(room.timeline.flatMap((line) => (line.says?.says === 'unmerged' ? [line.says.merge] : [])))
  const merges = new Map(room.timeline.flatMap((line) => (line.says?.says === 'merged' && line.entry != null && !takenBack.has(line.entry) ? [[line.says.other, line] as const] : [])))
  return (
    <Section title={t('room.joined')} aside={room.you.account != null && <Button size="compact-xs" variant="default" onClick={() => setMerging(true)}>{t('room.merge')}</Button>}>
      {room.joined.length === 0 ? <p className="quiet">{t('room.notJoined')}</p> : (
        <>
          <ul className={classes.joined}>
            {room.joined.map((one) => {
              const merge = merges.get(one.id)
              return (
                <li key={one.id}>
                  <Link className="text-link" to={`/cases/${one.id}/room`}>{caseName(one, language)}</Link>
                  {merge?.entry != null && merge.label && room.you.account != null && <button type="button" className={classes.link} onClick={() => undo.mutate({ entry: merge.entry ?? '', label: { tlp: merge.label?.tlp ?? 'red', stub: false } })}>{t('room.unmerge')}</button>}
                </li>
              )
            })}
          </ul>
          <p><Link className="text-link" to={`/cases/${room.case.id}/campaign`}>{t('room.campaign')}</Link></p>
        </>
      )}
      {merging && <Merge onClose={() => setMerging(false)} />}
    </Section>
  )
}

function Merge({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { room } = useHere()
  const rooms = useRooms().data?.cases ?? []
  const [other, setOther] = useState<string | null>(null)
  const [reason, setReason] = useState('')
  const choices = rooms.filter((one) => one.id !== room.case.id && !room.joined.some((known) => known.id === one.id))
  return (
    <ActDialog opened onClose={onClose} title={t('room.merge')} act={t('room.mergeNow')} said={t('room.merged')} entry={other !== null && reason.trim() !== '' ? { says: 'merged', other, reason: reason.trim() } : null}>
      <Select searchable data-autofocus label={t('room.otherCase')} value={other} onChange={setOther} data={choices.map((one) => ({ value: one.id, label: caseName(one, language) }))} />
      <Textarea label={t('room.reason')} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
    </ActDialog>
  )
}
