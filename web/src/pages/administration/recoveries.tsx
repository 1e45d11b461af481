import { Button, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useRecoveries } from '../../api/identity.ts'
import { useSession } from '../../api/session.ts'
import type { Person, Recovery } from '../../api/types.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Secret } from '../../components/secret.tsx'
import { Ago } from '../../components/time.tsx'
import classes from './administration.module.css'

/** Accounts whose person lost every means to sign in: those that wait, and what became of others. */
export function Recoveries() {
  const { t } = useTranslation()
  const own = useSession().person
  const client = useQueryClient()
  const recoveries = useRecoveries()
  const [link, setLink] = useState<{ name: string; secret: string } | null>(null)
  const refresh = () => client.invalidateQueries({ queryKey: ['recoveries'] })
  const approve = useMutation({
    mutationFn: (one: Recovery) => call<{ sign_in: string }>('POST', `/api/v1/recoveries/${encodeURIComponent(one.id)}/approve`),
    onSuccess: ({ sign_in }, one) => {
      setLink({ name: one.person_name, secret: sign_in })
      return refresh()
    },
  })
  const refuse = useMutation({ mutationFn: (id: string) => call<void>('POST', `/api/v1/recoveries/${encodeURIComponent(id)}/refuse`), onSuccess: refresh })
  const repeat = () => {
    const wanted = approve.variables
    approve.reset()
    if (wanted) approve.mutate(wanted)
  }
  const known = recoveries.data?.recoveries ?? []
  const error = recoveries.error ?? refuse.error ?? (needsProof(approve.error) ? null : approve.error)
  if (known.length === 0 && !error) return null
  return (
    <section aria-label={t('recovery.title')}>
      <h2>{t('recovery.title')}</h2>
      {error && <ErrorNote error={error} />}
      <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('recovery.title')}>
        <table className={classes.table}>
          <thead><tr><th>{t('administration.name')}</th><th>{t('recovery.reason')}</th><th>{t('recovery.askedBy')}</th><th>{t('recovery.state')}</th><th><span className="sr-only">{t('administration.action')}</span></th></tr></thead>
          <tbody>
            {known.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.person_name}</th>
                <td>{one.reason}</td>
                <td>{one.asked_by_name} · <Ago at={one.asked} /></td>
                <td>{t(`recovery.states.${one.state}`, { defaultValue: one.state })}{one.decided_by_name && ` · ${one.decided_by_name}`}</td>
                <td>
                  {one.state === 'asked' && one.asked_by !== own.id && one.person !== own.id && <Button size="compact-xs" loading={approve.isPending} onClick={() => approve.mutate(one)}>{t('recovery.approve')}</Button>}
                  {one.state === 'asked' && <Button size="compact-xs" variant="default" ml={6} onClick={() => refuse.mutate(one.id)}>{t(one.asked_by === own.id ? 'recovery.takeBack' : 'recovery.refuse')}</Button>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Prove opened={needsProof(approve.error)} onClose={() => approve.reset()} onProved={repeat} />
      <Dialog opened={link !== null} onClose={() => setLink(null)} title={t('recovery.title')}>
        {link && <Secret title={t('recovery.approved', { name: link.name })} secret={link.secret} hint={t('recovery.linkHint')} onDone={() => setLink(null)} />}
      </Dialog>
    </section>
  )
}

/** Asks for a person's account to be recovered. */
export function AskRecovery({ person, onDone }: { person: Person; onDone: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [reason, setReason] = useState('')
  const ask = useMutation({
    mutationFn: () => call<Recovery>('POST', `/api/v1/people/${encodeURIComponent(person.id)}/recovery`, { reason: reason.trim() }),
    onSuccess: () => {
      onDone()
      return client.invalidateQueries({ queryKey: ['recoveries'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    ask.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <h3>{t('recovery.ask')}</h3>
      <p className="quiet">{t('recovery.what')}</p>
      <TextInput label={t('recovery.reason')} required withAsterisk={false} maxLength={300} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      {ask.error && !needsProof(ask.error) && <ErrorNote error={ask.error} />}
      <Prove opened={needsProof(ask.error)} onClose={() => ask.reset()} onProved={() => ask.mutate()} />
      <Button type="submit" size="xs" variant="default" loading={ask.isPending}>{t('recovery.ask')}</Button>
    </form>
  )
}
