import { Button, Select, TextInput, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useIdentityProviders } from '../../api/identity.ts'
import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import type { IdentityProvider, NewIdentityProvider } from '../../api/types.ts'
import { Confirm } from '../../components/confirm.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './administration.module.css'
import { PERSON_ROLES } from './vocabulary.ts'

const path = (id: string) => `/api/v1/identity-providers/${encodeURIComponent(id)}`

/** Who vouches for the people of which organisation. */
export function Providers() {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const client = useQueryClient()
  const { fail } = useToasts()
  const providers = useIdentityProviders()
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<IdentityProvider | null>(null)
  const refresh = () => client.invalidateQueries({ queryKey: ['identity-providers'] })
  const change = useMutation({
    mutationFn: ({ id, suspended }: { id: string; suspended: boolean }) => call<IdentityProvider>('PATCH', path(id), { suspended }),
    onSuccess: refresh,
    onError: (error) => {
      if (!needsProof(error)) fail(error)
    },
  })
  const repeat = () => {
    const wanted = change.variables
    change.reset()
    if (wanted) change.mutate(wanted)
  }
  if (providers.error) return <ErrorNote error={providers.error} retry={() => void providers.refetch()} />
  if (!providers.data) return <Waiting />
  const known = providers.data.providers
  return (
    <>
      <div className={classes.bar}>
        <span>{t('provider.about')}</span>
        <Button size="xs" onClick={() => setAdding(true)}>{t('provider.add')}</Button>
      </div>
      {known.length === 0 && <Empty title={t('provider.none')}>{t('provider.noneHint')}</Empty>}
      {known.length > 0 && (
        <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('administration.providers')}>
          <table className={classes.table}>
            <thead><tr><th>{t('administration.shortName')}</th><th>{t('common.organisation')}</th><th>{t('provider.issuer')}</th><th>{t('provider.nameClaim')}</th><th>{t('administration.roles')}</th><th><span className="sr-only">{t('administration.action')}</span></th></tr></thead>
            <tbody>
              {known.map((one) => (
                <tr key={one.id}>
                  <th scope="row">{one.id}{one.suspended && <> · <strong>{t('provider.suspended')}</strong></>}</th>
                  <td>{name(one.organisation)}</td>
                  <td><span className="mono">{one.issuer}</span><br /><span className="quiet">{t('provider.redirect')} <code>{one.redirect}</code></span></td>
                  <td><code>{one.name_claim}</code></td>
                  <td>{one.role_claim ? <><code>{one.role_claim}</code>{Object.entries(one.role_map).map(([value, role]) => <div key={value}>{value} → {t(`roles.${role}`, { defaultValue: role })}</div>)}</> : t('provider.rolesHere')}</td>
                  <td>
                    <Button size="compact-xs" variant="default" onClick={() => change.mutate({ id: one.id, suspended: !one.suspended })}>{t(one.suspended ? 'peers.resume' : 'peers.suspend')}</Button>
                    <Button size="compact-xs" variant="default" ml={6} onClick={() => setRemoving(one)}>{t('common.remove')}</Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Prove opened={needsProof(change.error)} onClose={() => change.reset()} onProved={repeat} />
      <Dialog opened={adding} onClose={() => setAdding(false)} title={t('provider.add')}><Form onDone={() => setAdding(false)} /></Dialog>
      <Confirm opened={removing !== null} onClose={() => setRemoving(null)} title={t('provider.remove')} act={t('common.remove')} run={() => call<void>('DELETE', path(removing?.id ?? ''))} onDone={() => { setRemoving(null); void refresh() }}>
        <p>{t('provider.removeWhat', { id: removing?.id ?? '' })}</p>
      </Confirm>
    </>
  )
}

/** `value = role`, one in each line; `null` where a line is neither empty nor that. */
export function readRoles(text: string): Record<string, string> | null {
  const roles: Record<string, string> = {}
  for (const line of text.split('\n').map((one) => one.trim()).filter((one) => one !== '')) {
    const at = line.lastIndexOf('=')
    const [value, role] = [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    if (at < 1 || value === '' || !PERSON_ROLES.some((known) => known === role)) return null
    roles[value] = role
  }
  return roles
}

function Form({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const { organisation } = useSession()
  const organisations = useOrganisations().data ?? [organisation]
  const [wanted, setWanted] = useState({ id: '', organisation: organisation.id, issuer: '', client: '', secret: '', name_claim: 'preferred_username', role_claim: '', roles: '', origins: '', certificate: '' })
  const set = (part: Partial<typeof wanted>) => setWanted({ ...wanted, ...part })
  const roles = readRoles(wanted.roles)
  const add = useMutation({
    mutationFn: () => {
      const optional = (name: string, text: string) => (text.trim() === '' ? {} : { [name]: text.trim() })
      const body: NewIdentityProvider = {
        id: wanted.id, organisation: wanted.organisation, issuer: wanted.issuer.trim(), client: wanted.client.trim(),
        ...optional('secret', wanted.secret), ...optional('certificate', wanted.certificate), ...optional('name_claim', wanted.name_claim), ...optional('role_claim', wanted.role_claim),
        role_map: roles ?? {}, origins: wanted.origins.split(/\s+/u).filter((one) => one !== ''),
      }
      return call<IdentityProvider>('POST', '/api/v1/identity-providers', body)
    },
    onSuccess: () => {
      onDone()
      return client.invalidateQueries({ queryKey: ['identity-providers'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput label={t('administration.shortName')} description={t('provider.idHint', { address: `${location.origin}/sign-in/oidc/${wanted.id || '…'}` })} required withAsterisk={false} pattern="[a-z0-9\-]{1,64}" value={wanted.id} onChange={(event) => set({ id: event.currentTarget.value.normalize('NFKC').toLowerCase() })} />
      <Select label={t('common.organisation')} searchable allowDeselect={false} value={wanted.organisation} onChange={(id) => id && set({ organisation: id })} data={organisations.filter((one) => one.role !== 'oversight').map((one) => ({ value: one.id, label: nameOf(one, language) }))} />
      <TextInput label={t('provider.issuer')} type="url" required withAsterisk={false} placeholder="https://id.agency.example" value={wanted.issuer} onChange={(event) => set({ issuer: event.currentTarget.value })} />
      <TextInput label={t('provider.client')} required withAsterisk={false} autoComplete="off" value={wanted.client} onChange={(event) => set({ client: event.currentTarget.value })} />
      <TextInput label={t('provider.secret')} type="password" autoComplete="off" value={wanted.secret} onChange={(event) => set({ secret: event.currentTarget.value })} />
      <TextInput label={t('provider.nameClaim')} description={t('provider.nameClaimHint')} value={wanted.name_claim} onChange={(event) => set({ name_claim: event.currentTarget.value })} />
      <TextInput label={t('provider.roleClaim')} description={t('provider.roleClaimHint')} value={wanted.role_claim} onChange={(event) => set({ role_claim: event.currentTarget.value })} />
      {wanted.role_claim.trim() !== '' && <Textarea label={t('provider.roleMap')} description={t('provider.roleMapHint')} autosize minRows={2} error={roles === null ? t('provider.roleMapWrong') : undefined} value={wanted.roles} onChange={(event) => set({ roles: event.currentTarget.value })} />}
      <TextInput label={t('provider.origins')} description={t('provider.originsHint')} value={wanted.origins} onChange={(event) => set({ origins: event.currentTarget.value })} />
      <Textarea label={t('provider.certificate')} autosize minRows={1} maxRows={6} value={wanted.certificate} onChange={(event) => set({ certificate: event.currentTarget.value })} />
      {add.error && !needsProof(add.error) && <ErrorNote error={add.error} />}
      <Prove opened={needsProof(add.error)} onClose={() => add.reset()} onProved={() => add.mutate()} />
      <Button type="submit" loading={add.isPending} disabled={roles === null}>{t('administration.add')}</Button>
    </form>
  )
}
