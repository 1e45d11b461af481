import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'

import { present } from '../../api/room.ts'
import classes from './room.module.css'
import { useHere, useNames } from './use-room.tsx'

/** So often one says that one is there; who was not heard for three times as long has left. */
const EVERY_MS = 15_000

/** Who is in the room now, of this hub's people. */
export function Present() {
  const { t } = useTranslation()
  const { room } = useHere()
  const { id } = room.case
  const told = useQuery({
    queryKey: ['presence', id],
    queryFn: () => present(id, { writes: isWriting(), leaves: false }),
    refetchInterval: EVERY_MS,
    refetchOnWindowFocus: true,
  })
  useEffect(() => () => void present(id, { writes: false, leaves: true }).catch(() => undefined), [id])
  const names = useNames(told.data ?? NOBODY)
  const others = (told.data?.here ?? []).filter((one) => one.person.account !== room.you.account)
  if (!told.data || others.length === 0) return <span className={classes.present}>{t('room.presence.alone')}</span>
  return (
    <span className={classes.present}>
      {t('room.presence.here')}{' '}
      {others.map((one) => (
        <span key={one.person.account} className={classes.person} data-writes={one.writes || undefined}>{names.person(one.person)}{one.writes && ` ${t('room.presence.writes')}`}</span>
      ))}
    </span>
  )
}

const NOBODY = { organisations: {}, people: {} }

/** Whether the reader's hands are in a field of the page. */
const isWriting = () => document.activeElement instanceof HTMLTextAreaElement
