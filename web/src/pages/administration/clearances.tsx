import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useDefinedQualifications, useQualifications, useQualificationsOf } from '../../api/identity.ts'
import { usePeople } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import type { HeldQualification, NewQualification } from '../../api/types.ts'
import { Count } from '../../components/count.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { needsProof, Prove } from '../../components/prove.tsx'
import { named, useQualificationName } from '../../components/qualification-name.ts'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './administration.module.css'
import { inOrder, latestEnd, mayConfirm } from './qualification.ts'

/** Clearances and oaths of people: what waits for a second administrator, and what holds until when. */
export function Clearances() {
  const { t } = useTranslation()
  const held = useQualifications()
  const [adding, setAdding] = useState(false)
  if (held.error) return <ErrorNote error={held.error} retry={() => void held.refetch()} />
  if (!held.data) return <Waiting />
  const known = inOrder(held.data.qualifications)
  return (
    <>
      <p className="quiet">{t('clearances.what')}</p>
      <div className={classes.bar}>
        <Count count={known.length} updated={held.dataUpdatedAt} />
        <Button size="xs" onClick={() => setAdding(true)}>{t('clearances.enter')}</Button>
      </div>
      {known.length === 0 ? <Empty title={t('clearances.none')}>{t('clearances.noneHint')}</Empty> : <Table known={known} />}
      <Dialog opened={adding} onClose={() => setAdding(false)} title={t('clearances.enter')}>
        <Form onDone={() => setAdding(false)} />
      </Dialog>
    </>
  )
}

/** What was ever entered for one person. */
export function ClearancesOf({ person }: { person: string }) {
  const { t } = useTranslation()
  const held = useQualificationsOf(person)
  if (held.error) return <ErrorNote error={held.error} />
  if (!held.data) return <Waiting />
  if (held.data.qualifications.length === 0) return <p className="quiet">{t('clearances.nothing')}</p>
  return <Table known={held.data.qualifications} />
}

function Table({ known }: { known: HeldQualification[] }) {
  const { t } = useTranslation()
  const organisation = useOrganisationName()
  const name = useQualificationName()
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('administration.clearances')}>
      <table className={classes.table}>
        <thead><tr><th>{t('administration.name')}</th><th>{t('clearances.which')}</th><th>{t('clearances.state')}</th><th>{t('clearances.until')}</th><th>{t('clearances.enteredBy')}</th><th data-act><span className="sr-only">{t('administration.action')}</span></th></tr></thead>
        <tbody>
          {known.map((one) => (
            <tr key={one.id}>
              <th scope="row">{one.person_name}<br /><span className="quiet">{organisation(one.organisation)}</span></th>
              <td>{name(one.qualification)}<br /><span className="quiet">{one.evidence}</span></td>
              <td>{t(`clearances.states.${one.state}`, { defaultValue: one.state })}{one.reason && <><br /><span className="quiet">{one.reason}</span></>}</td>
              <td>{one.state === 'coming' && <>{t('clearances.from')} <Ago at={one.since} /><br /></>}<Ago at={one.until} /></td>
              <td>{one.asked_by_name} · <Ago at={one.asked} />{one.decided_by_name && <><br /><span className="quiet">{t('clearances.decidedBy', { name: one.decided_by_name })}</span></>}</td>
              <td data-act><Acts one={one} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What one may do with it: confirm or refuse what waits, end what holds or will. */
function Acts({ one }: { one: HeldQualification }) {
  const { t } = useTranslation()
  const { person: own, may } = useSession()
  const client = useQueryClient()
  const [stopping, setStopping] = useState(false)
  const [reason, setReason] = useState('')
  const refresh = () => client.invalidateQueries({ queryKey: ['qualifications'] })
  const path = `/api/v1/qualifications/${encodeURIComponent(one.id)}`
  const confirm = useMutation({ mutationFn: () => call<HeldQualification>('POST', `${path}/confirm`), onSuccess: refresh })
  const stop = useMutation({
    mutationFn: () => call<HeldQualification>('POST', `${path}/${one.state === 'asked' ? 'refuse' : 'end'}`, { reason: reason.trim() }),
    onSuccess: () => {
      setStopping(false)
      return refresh()
    },
  })
  if (!may.includes('qualify-people') || !['asked', 'valid', 'coming'].includes(one.state)) return null
  const waits = one.state === 'asked'
  const word = waits ? t(one.asked_by === own.id ? 'clearances.takeBack' : 'clearances.refuse') : t('clearances.end')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    stop.mutate()
  }
  return (
    <>
      {mayConfirm(one, own.id) && <Button size="compact-xs" loading={confirm.isPending} onClick={() => confirm.mutate()}>{t('clearances.confirm')}</Button>}
      <Button size="compact-xs" variant="default" ml={6} onClick={() => setStopping(true)}>{word}</Button>
      {confirm.error && !needsProof(confirm.error) && <ErrorNote error={confirm.error} />}
      <Prove opened={needsProof(confirm.error)} onClose={() => confirm.reset()} onProved={() => confirm.mutate()} />
      <Dialog opened={stopping} onClose={() => setStopping(false)} title={`${one.person_name} · ${word}`}>
        <form className={classes.form} onSubmit={submit}>
          {!waits && <p className="quiet">{t('clearances.endHint')}</p>}
          <TextInput label={t('clearances.reason')} required withAsterisk={false} maxLength={300} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          {stop.error && <ErrorNote error={stop.error} />}
          <Button type="submit" color={waits ? undefined : 'red'} loading={stop.isPending}>{word}</Button>
        </form>
      </Dialog>
    </>
  )
}

function Form({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const { person: own, organisation } = useSession()
  const people = (usePeople().data ?? []).filter((one) => one.id !== own.id && !one.disabled && (organisation.role === 'coordinator' || one.organisation === organisation.id))
  const defined = useDefinedQualifications().data?.qualifications ?? []
  const [person, setPerson] = useState<string | null>(null)
  const [wanted, setWanted] = useState<NewQualification>({ qualification: '', since: '', until: '', evidence: '' })
  const chosen = defined.find((one) => one.qualification === wanted.qualification)
  const set = (part: Partial<NewQualification>) => setWanted({ ...wanted, ...part })
  const enter = useMutation({
    mutationFn: () => call<HeldQualification>('POST', `/api/v1/people/${encodeURIComponent(person ?? '')}/qualifications`, { ...wanted, evidence: wanted.evidence.trim() }),
    onSuccess: () => {
      onDone()
      return client.invalidateQueries({ queryKey: ['qualifications'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    enter.mutate()
  }
  const law = language === 'ja' ? chosen?.law_ja : chosen?.law_en
  return (
    <form className={classes.form} onSubmit={submit}>
      <p className="quiet">{t('clearances.second')}</p>
      <Select label={t('administration.name')} searchable required withAsterisk={false} value={person} onChange={setPerson} data={people.map((one) => ({ value: one.id, label: `${one.name} (${one.login})` }))} />
      <Select label={t('clearances.which')} description={law} required withAsterisk={false} value={wanted.qualification === '' ? null : wanted.qualification} onChange={(qualification) => set({ qualification: qualification ?? '' })} data={defined.map((one) => ({ value: one.qualification, label: named(one, language) }))} />
      <TextInput type="date" label={t('clearances.since')} description={t('clearances.sinceHint')} required withAsterisk={false} value={wanted.since} onChange={(event) => set({ since: event.currentTarget.value })} />
      <TextInput type="date" label={t('clearances.until')} description={chosen && t('clearances.longest', { years: chosen.years_max })} required withAsterisk={false} min={wanted.since} max={chosen && latestEnd(wanted.since, chosen.years_max)} value={wanted.until} onChange={(event) => set({ until: event.currentTarget.value })} />
      <TextInput label={t('clearances.evidence')} description={t('clearances.evidenceHint')} required withAsterisk={false} maxLength={300} value={wanted.evidence} onChange={(event) => set({ evidence: event.currentTarget.value })} />
      {enter.error && !needsProof(enter.error) && <ErrorNote error={enter.error} />}
      <Prove opened={needsProof(enter.error)} onClose={() => enter.reset()} onProved={() => enter.mutate()} />
      <Button type="submit" loading={enter.isPending} disabled={person === null || wanted.qualification === ''}>{t('clearances.enter')}</Button>
    </form>
  )
}
