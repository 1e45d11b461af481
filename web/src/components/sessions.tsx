import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'

import { call } from '../api/client.ts'
import { sessionsPath, useSessions } from '../api/identity.ts'
import { ErrorNote } from './error-note.tsx'
import { Ago } from './time.tsx'
import { useToasts } from './toast.tsx'
import { Waiting } from './waiting.tsx'
import classes from './sessions.module.css'

/** Where somebody is signed in, and an end to it: one's own sessions, or a person's. */
export function Sessions({ person }: { person?: string }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const sessions = useSessions(person)
  const end = useMutation({
    mutationFn: (id: string | null) => call<void>('DELETE', `${sessionsPath(person)}${id === null ? '' : `/${encodeURIComponent(id)}`}`),
    onSuccess: () => {
      say(t('sessions.ended'))
      return client.invalidateQueries({ queryKey: ['sessions'] })
    },
    onError: fail,
  })
  if (sessions.error) return <ErrorNote error={sessions.error} retry={() => void sessions.refetch()} />
  if (!sessions.data) return <Waiting />
  const isOwn = person === undefined
  const endable = sessions.data.filter((one) => !isOwn || !one.current)
  return (
    <>
      <ul className={classes.list}>
        {sessions.data.map((one) => (
          <li key={one.id}>
            <span>
              {t(`sessions.means.${one.means}`, { defaultValue: t('sessions.means.unknown') })}{one.provider && ` · ${one.provider}`}{one.address !== '' && <> · <span className="mono">{one.address}</span></>}
              {one.current && <strong> · {t('sessions.current')}</strong>}
              {one.agent !== '' && <span className={classes.agent}>{one.agent}</span>}
            </span>
            <span className="quiet">{t('sessions.seen')} <Ago at={one.seen} /></span>
            {!(isOwn && one.current) && <Button size="compact-xs" variant="subtle" color="gray" onClick={() => end.mutate(one.id)}>{t('sessions.end')}</Button>}
          </li>
        ))}
      </ul>
      {sessions.data.length === 0 && <p className="quiet">{t('sessions.none')}</p>}
      {endable.length > 1 && <Button className={classes.all ?? ''} size="xs" variant="default" onClick={() => end.mutate(null)}>{t(isOwn ? 'sessions.endOthers' : 'sessions.endAll')}</Button>}
    </>
  )
}
