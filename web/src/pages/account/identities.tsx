import { Button, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { goToProvider, useIdentities } from '../../api/identity.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import classes from './account.module.css'

/** What ties the account to the organisation's own identity provider. */
export function Identities() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const identities = useIdentities()
  const [provider, setProvider] = useState('')
  const tie = useMutation({ mutationFn: () => goToProvider(provider, { to: '/me', tie: true }) })
  const remove = useMutation({
    mutationFn: (id: string) => call<void>('DELETE', `/api/v1/me/identities/${encodeURIComponent(id)}`),
    onSuccess: () => {
      say(t('provider.untied'))
      return client.invalidateQueries({ queryKey: ['identities'] })
    },
  })
  const error = tie.error ?? remove.error
  const forget = () => {
    tie.reset()
    remove.reset()
  }
  const repeat = () => {
    const removed = needsProof(remove.error) ? remove.variables : undefined
    forget()
    if (removed === undefined) tie.mutate()
    else remove.mutate(removed)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    tie.mutate()
  }
  return (
    <>
      {identities.error && <ErrorNote error={identities.error} />}
      <ul className={classes.list}>
        {identities.data?.map((one) => (
          <li key={one.provider}>
            <span title={one.issuer}>{one.provider} · <span className="mono">{one.subject}</span></span>
            <span className="quiet"><Ago at={one.created} /></span>
            <Button size="compact-xs" variant="subtle" color="gray" onClick={() => remove.mutate(one.provider)}>{t('common.remove')}</Button>
          </li>
        ))}
      </ul>
      {identities.data?.length === 0 && <p className="quiet">{t('provider.notTied')}</p>}
      {error && !needsProof(error) && <ErrorNote error={error} />}
      <Prove opened={needsProof(error)} onClose={forget} onProved={repeat} />
      <form className={classes.add} onSubmit={submit}>
        <TextInput aria-label={t('provider.name')} placeholder={t('provider.name')} required pattern="[a-z0-9\-]{1,64}" value={provider} onChange={(event) => setProvider(event.currentTarget.value.normalize('NFKC').toLowerCase())} />
        <Button type="submit" variant="default" loading={tie.isPending || tie.isSuccess}>{t('provider.tie')}</Button>
      </form>
    </>
  )
}
