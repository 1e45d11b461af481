import { Button, MultiSelect, Select, TextInput, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useOrganisations, useTokens } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import type { NewToken, TokenIssued } from '../../api/types.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Secret } from '../../components/secret.tsx'
import { Ago } from '../../components/time.tsx'
import { CopyTable, useSort } from '../../components/table.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './administration.module.css'
import { DOORS, PERSON_ROLES } from './vocabulary.ts'
import { Dialog } from '../../components/dialog.tsx'

export function Tokens() {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const tokens = useTokens()
  const [adding, setAdding] = useState(false)
  const revoke = useMutation({
    mutationFn: (id: string) => call<void>('DELETE', `/api/v1/tokens/${encodeURIComponent(id)}`),
    onSuccess: () => {
      say(t('administration.tokenRevoked'))
      return client.invalidateQueries({ queryKey: ['tokens'] })
    },
    onError: fail,
  })
  const table = useRef<HTMLTableElement>(null)
  const { sorted, head } = useSort(tokens.data ?? [], {
    name: (token) => token.name === '' ? token.id : token.name,
    organisation: (token) => name(token.organisation),
    roles: (token) => token.roles.join(' '),
    used: (token) => token.last_used,
    expires: (token) => token.expires,
  })
  if (tokens.error) return <ErrorNote error={tokens.error} retry={() => void tokens.refetch()} />
  if (!tokens.data) return <Waiting />
  return (
    <>
      <div className={classes.bar}>
        <Count count={tokens.data.length} updated={tokens.dataUpdatedAt} />
        <CopyTable of={table} />
        <Button size="xs" onClick={() => setAdding(true)}>{t('administration.addToken')}</Button>
      </div>
      {tokens.data.length === 0 && <Empty title={t('administration.noTokens')}>{t('administration.noTokensHint')}</Empty>}
      {tokens.data.length > 0 && (
        <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('administration.tokens')}>
          <table ref={table} className={classes.table}>
            <thead><tr>{head('name', t('administration.purpose'))}{head('organisation', t('common.organisation'))}{head('roles', t('administration.roles'))}<th>{t('administration.doors')}</th>{head('used', t('administration.lastUsed'))}{head('expires', t('administration.expires'))}<th data-act><span className="sr-only">{t('administration.action')}</span></th></tr></thead>
            <tbody>
              {sorted.map((token) => (
                <tr key={token.id}>
                  <th scope="row">{token.name === '' ? token.id : token.name}</th>
                  <td>{name(token.organisation)}</td>
                  <td>{token.roles.map((role) => t(`roles.${role}`, { defaultValue: role })).join(' · ')}</td>
                  <td>{(token.doors ?? []).length === 0 ? t('administration.everyDoor') : (token.doors ?? []).map((door) => t(`tokenDoors.${door}`, { defaultValue: door })).join(' · ')}{token.certificate && <span className="mono" title={token.certificate}> · {t('administration.bound', { print: token.certificate.slice(0, 16) })}</span>}</td>
                  <td>{token.last_used === null ? t('administration.never') : <Ago at={token.last_used} />}</td>
                  <td><Ago at={token.expires} /></td>
                  <td data-act><Button size="compact-xs" variant="default" onClick={() => revoke.mutate(token.id)}>{t('administration.revoke')}</Button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Dialog opened={adding} onClose={() => setAdding(false)} title={t('administration.addToken')}>
        <Form onDone={() => setAdding(false)} />
      </Dialog>
    </>
  )
}

function Form({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const { organisation } = useSession()
  const organisations = useOrganisations().data ?? [organisation]
  const [wanted, setWanted] = useState<NewToken>({ organisation: organisation.id, roles: ['analyst'], name: '' })
  const add = useMutation({
    mutationFn: (token: NewToken) => call<TokenIssued>('POST', '/api/v1/tokens', token),
    onSuccess: () => client.invalidateQueries({ queryKey: ['tokens'] }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate({ ...wanted, name: wanted.name.trim() })
  }
  if (needsProof(add.error)) return <Prove opened onClose={add.reset} onProved={() => add.variables && add.mutate(add.variables)} />
  if (add.data) return <Secret title={t('administration.tokenAdded')} secret={add.data.token} hint={t('administration.tokenHint')} onDone={onDone} />
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput label={t('administration.purpose')} required withAsterisk={false} maxLength={200} value={wanted.name} onChange={(event) => setWanted({ ...wanted, name: event.currentTarget.value })} />
      <Select label={t('common.organisation')} searchable allowDeselect={false} value={wanted.organisation} onChange={(id) => id && setWanted({ ...wanted, organisation: id })} data={organisations.map((one) => ({ value: one.id, label: nameOf(one, language) }))} />
      <MultiSelect label={t('administration.roles')} value={wanted.roles} onChange={(roles) => setWanted({ ...wanted, roles })} data={PERSON_ROLES.map((role) => ({ value: role, label: t(`roles.${role}`) }))} />
      <TextInput type="date" label={t('administration.expires')} description={t('administration.expiresHint')} value={wanted.expires ?? ''} onChange={(event) => {
        const { expires: _, ...rest } = wanted
        setWanted(event.currentTarget.value === '' ? rest : { ...rest, expires: event.currentTarget.value })
      }} />
      <MultiSelect label={t('administration.doors')} description={t('administration.doorsHint')} value={wanted.doors ?? []} onChange={(doors) => setWanted({ ...wanted, doors })} data={DOORS.map((door) => ({ value: door, label: t(`tokenDoors.${door}`) }))} />
      <Textarea label={t('administration.certificate')} description={t('administration.certificateHint')} autosize minRows={1} maxRows={6} value={wanted.certificate ?? ''} onChange={(event) => {
        const { certificate: _, ...rest } = wanted
        const given = event.currentTarget.value
        setWanted(given.trim() === '' ? rest : { ...rest, certificate: given })
      }} />
      {add.error && <ErrorNote error={add.error} />}
      <Button type="submit" loading={add.isPending} disabled={wanted.roles.length === 0}>{t('administration.add')}</Button>
    </form>
  )
}
