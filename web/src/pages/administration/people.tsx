import { Button, MultiSelect, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useOrganisations, usePeople } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import type { AddedPerson, NewPerson, Person } from '../../api/types.ts'
import { Count } from '../../components/count.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Secret } from '../../components/secret.tsx'
import { Sessions } from '../../components/sessions.tsx'
import { CopyTable, useSort } from '../../components/table.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './administration.module.css'
import { ClearancesOf } from './clearances.tsx'
import { AskRecovery, Recoveries } from './recoveries.tsx'
import { PERSON_ROLES } from './vocabulary.ts'
import { Dialog } from '../../components/dialog.tsx'

export function People() {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const people = usePeople()
  const [adding, setAdding] = useState(false)
  const [looked, setLooked] = useState<Person | null>(null)
  const table = useRef<HTMLTableElement>(null)
  const { sorted, head } = useSort(people.data ?? [], {
    name: (person) => person.name,
    login: (person) => person.login,
    organisation: (person) => name(person.organisation),
    roles: (person) => person.roles.join(' '),
  })
  if (people.error) return <ErrorNote error={people.error} retry={() => void people.refetch()} />
  if (!people.data) return <Waiting />
  return (
    <>
      <div className={classes.bar}>
        <Count count={people.data.length} updated={people.dataUpdatedAt} />
        <CopyTable of={table} />
        <Button size="xs" onClick={() => setAdding(true)}>{t('administration.addPerson')}</Button>
      </div>
      <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('administration.people')}>
        <table ref={table} className={classes.table}>
          <thead><tr>{head('name', t('administration.name'))}{head('login', t('signIn.login'))}{head('organisation', t('common.organisation'))}{head('roles', t('administration.roles'))}<th data-act><span className="sr-only">{t('administration.action')}</span></th></tr></thead>
          <tbody>
            {sorted.map((person) => (
              <tr key={person.id}>
                <th scope="row">{person.name}{person.disabled && <> · <strong>{t('administration.disabled')}</strong></>}</th>
                <td className="mono">{person.login}</td>
                <td>{name(person.organisation)}</td>
                <td>{person.roles.map((role) => t(`roles.${role}`, { defaultValue: role })).join(' · ')}</td>
                <td data-act><Button size="compact-xs" variant="default" onClick={() => setLooked(person)}>{t('administration.access')}</Button></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Recoveries />
      <Dialog opened={adding} onClose={() => setAdding(false)} title={t('administration.addPerson')}>
        <Form onDone={() => setAdding(false)} />
      </Dialog>
      <Dialog opened={looked !== null} onClose={() => setLooked(null)} title={looked?.name ?? ''}>
        {looked && <Access person={looked} onDone={() => setLooked(null)} />}
      </Dialog>
    </>
  )
}

/** Where a person is signed in, and whether it may sign in at all. */
function Access({ person, onDone }: { person: Person; onDone: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const own = useSession().person
  const { say } = useToasts()
  const change = useMutation({
    mutationFn: (disabled: boolean) => call<Person>('PATCH', `/api/v1/people/${encodeURIComponent(person.id)}`, { disabled }),
    onSuccess: (changed) => {
      say(t(changed.disabled ? 'administration.isDisabled' : 'administration.isEnabled', { name: person.name }))
      onDone()
      return client.invalidateQueries({ queryKey: ['people'] })
    },
  })
  return (
    <>
      <h3>{t('sessions.title')}</h3>
      <Sessions person={person.id} />
      <h3>{t('administration.clearances')}</h3>
      <ClearancesOf person={person.id} />
      {person.id !== own.id && !person.disabled && <AskRecovery person={person} onDone={onDone} />}
      {change.error && <ErrorNote error={change.error} />}
      {person.id !== own.id && (person.disabled
        ? <Button mt={16} size="xs" variant="default" loading={change.isPending} onClick={() => change.mutate(false)}>{t('administration.enable')}</Button>
        : <><p className="quiet">{t('administration.disableHint')}</p><Button size="xs" color="red" loading={change.isPending} onClick={() => change.mutate(true)}>{t('administration.disable')}</Button></>)}
    </>
  )
}

function Form({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const { organisation } = useSession()
  const organisations = useOrganisations().data ?? [organisation]
  const [wanted, setWanted] = useState<NewPerson>({ login: '', name: '', organisation: organisation.id, roles: ['analyst'] })
  const add = useMutation({
    mutationFn: (person: NewPerson) => call<AddedPerson>('POST', '/api/v1/people', person),
    onSuccess: () => client.invalidateQueries({ queryKey: ['people'] }),
  })
  const set = (part: Partial<NewPerson>) => setWanted({ ...wanted, ...part })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate({ ...wanted, name: wanted.name.trim() })
  }
  if (needsProof(add.error)) return <Prove opened onClose={add.reset} onProved={() => add.variables && add.mutate(add.variables)} />
  if (add.data) return <Secret title={t('administration.personAdded', { name: add.data.person.name })} secret={add.data.sign_in} hint={t('administration.linkHint')} onDone={onDone} />
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput label={t('administration.name')} required withAsterisk={false} maxLength={200} value={wanted.name} onChange={(event) => set({ name: event.currentTarget.value })} />
      <TextInput label={t('signIn.login')} description={t('administration.loginHint')} required withAsterisk={false} pattern="[a-z0-9._\-]{1,64}" value={wanted.login} onChange={(event) => set({ login: event.currentTarget.value.normalize('NFKC').toLowerCase() })} />
      <Select label={t('common.organisation')} searchable allowDeselect={false} value={wanted.organisation} onChange={(id) => id && set({ organisation: id })} data={organisations.map((one) => ({ value: one.id, label: nameOf(one, language) }))} />
      <MultiSelect label={t('administration.roles')} value={wanted.roles} onChange={(roles) => set({ roles })} data={PERSON_ROLES.map((role) => ({ value: role, label: t(`roles.${role}`) }))} />
      {add.error && <ErrorNote error={add.error} />}
      <Button type="submit" loading={add.isPending} disabled={wanted.roles.length === 0}>{t('administration.add')}</Button>
    </form>
  )
}
