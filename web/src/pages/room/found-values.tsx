import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { linkIndicators, useValues, type RoomLabel, type RoomValue } from '../../api/room.ts'
import { defang } from '../../format/value.ts'
import classes from './room.module.css'
import { useHere } from './use-room.tsx'

/** What becomes of a value that somebody typed. */
export type Wish = 'indicator' | 'observable' | 'known'

export interface Wishes {
  found: RoomValue[]
  chosen: Map<string, Wish>
  /** The next of what may become of a value. */
  turn: (value: RoomValue) => void
  /** Links what was chosen with the case, under a label. */
  link: (label: RoomLabel) => Promise<number>
}

const AFTER_MS = 500
/** Prose without a dot, colon or long word holds no value. */
const MAY_HOLD = /[.:：。[\]]|[0-9a-f]{32}/iu

/** What may become of a value, in turn: what is known is linked as it is, before anything is made anew. */
export function wishesOf(value: RoomValue): (Wish | null)[] {
  return value.known.length > 0 ? [null, 'known', 'indicator', 'observable'] : [null, 'indicator', 'observable']
}

/** The values in a text, a little after somebody stopped typing, and which of them are to be linked. */
export function useWishes(text: string): Wishes {
  const { room } = useHere()
  const client = useQueryClient()
  const [settled, setSettled] = useState('')
  const [chosen, setChosen] = useState<Map<string, Wish>>(new Map())
  useEffect(() => {
    const timer = setTimeout(() => setSettled(MAY_HOLD.test(text) ? text.trim() : ''), text === '' ? 0 : AFTER_MS)
    return () => clearTimeout(timer)
  }, [text])
  const found = useValues(room.case.id, settled).data?.values ?? NONE
  const turn = useCallback((value: RoomValue) => setChosen((held) => {
    const all = wishesOf(value)
    const next = all[(all.indexOf(held.get(value.value) ?? null) + 1) % all.length] ?? null
    const changed = new Map(held)
    if (next === null) changed.delete(value.value)
    else changed.set(value.value, next)
    return changed
  }), [])
  const link = useCallback(async (label: RoomLabel) => {
    const of = (wish: Wish) => found.filter((one) => chosen.get(one.value) === wish)
    const [indicators, observables, known] = [of('indicator'), of('observable'), of('known')]
    const count = indicators.length + observables.length + known.length
    if (count === 0) return 0
    await linkIndicators(room.case.id, {
      key: crypto.randomUUID(),
      label,
      indicators: indicators.map((one) => one.value),
      observables: observables.map((one) => one.value),
      objects: [...new Set(known.flatMap((one) => one.known.slice(0, 1).map((thing) => thing.id)))],
    })
    setChosen(new Map())
    await client.invalidateQueries({ queryKey: ['room'] })
    return count
  }, [chosen, client, found, room.case.id])
  return { found, chosen, turn, link }
}

const NONE: RoomValue[] = []

/** The values beneath what is typed; a press chooses what becomes of one. */
export function FoundValues({ wishes }: { wishes: Wishes }) {
  const { t } = useTranslation()
  if (wishes.found.length === 0) return null
  return (
    <div className={classes.values} role="group" aria-label={t('room.values.title')}>
      {wishes.found.map((one) => {
        const wish = wishes.chosen.get(one.value)
        const state = wish ? t(`room.values.${wish}`) : one.linked ? t('room.values.linked') : one.known.length > 0 ? t('room.values.isKnown', { name: one.known[0]?.name ?? '' }) : t('room.values.new')
        return (
          <button key={one.value} type="button" className={classes.value} aria-pressed={wish !== undefined} data-wish={wish} onClick={() => wishes.turn(one)}>
            <code>{defang(one.value)}</code> <span>{state}</span>
          </button>
        )
      })}
    </div>
  )
}
