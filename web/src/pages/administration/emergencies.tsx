import { Button, NumberInput, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { useEmergencies } from '../../api/identity.ts'
import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import type { EmergencyInfo } from '../../api/types.ts'
import { Count } from '../../components/count.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { asked, mayReview, type Wanted } from '../../components/emergency.ts'
import { useScopeWords } from '../../components/emergency-scope.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './administration.module.css'
import { OBJECT_CLASSES } from './vocabulary.ts'

const LEVELS = ['green', 'amber', 'amber+strict', 'red'] as const

/** What people opened for themselves in an emergency: what is on, what waits for its review, what came of the others. */
export function Emergencies() {
  const { t } = useTranslation()
  const { may } = useSession()
  const known = useEmergencies()
  const [raising, setRaising] = useState(false)
  if (known.error) return <ErrorNote error={known.error} retry={() => void known.refetch()} />
  if (!known.data) return <Waiting />
  const { emergencies, minutes_max } = known.data
  return (
    <>
      <p className="quiet">{t('emergencies.what')}</p>
      <div className={classes.bar}>
        <Count count={emergencies.length} updated={known.dataUpdatedAt} />
        {may.includes('raise-emergency') && <Button size="xs" color="red" onClick={() => setRaising(true)}>{t('emergencies.raise')}</Button>}
      </div>
      {emergencies.length === 0 ? <Empty title={t('emergencies.none')}>{t('emergencies.noneHint')}</Empty> : <Table known={emergencies} />}
      <Dialog opened={raising} onClose={() => setRaising(false)} title={t('emergencies.raise')}>
        <Raise longest={minutes_max} onDone={() => setRaising(false)} />
      </Dialog>
    </>
  )
}

function Table({ known }: { known: EmergencyInfo[] }) {
  const { t } = useTranslation()
  const organisation = useOrganisationName()
  const words = useScopeWords()
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('administration.emergencies')}>
      <table className={classes.table}>
        <thead><tr><th>{t('administration.name')}</th><th>{t('emergencies.for')}</th><th>{t('emergencies.state')}</th><th>{t('emergencies.until')}</th><th>{t('emergencies.read')}</th><th data-act><span className="sr-only">{t('administration.action')}</span></th></tr></thead>
        <tbody>
          {known.map((one) => (
            <tr key={one.id}>
              <th scope="row">{one.person_name}<br /><span className="quiet">{organisation(one.organisation)}</span></th>
              <td>{words(one.scope)}<br /><span className="quiet">{one.reason}</span></td>
              <td>{one.state === 'on' || one.state === 'overdue' ? <strong>{t(`emergencies.states.${one.state}`)}</strong> : t(`emergencies.states.${one.state}`, { defaultValue: one.state })}{one.reviewed_by_name && <><br /><span className="quiet">{one.reviewed_by_name} · {one.finding}</span></>}</td>
              <td><Ago at={one.until} />{(one.state === 'waits' || one.state === 'overdue') && <><br /><span className="quiet">{t('emergencies.reviewDue')} <Ago at={one.review_due} /></span></>}</td>
              <td>{one.objects_read}</td>
              <td data-act><Acts one={one} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Acts({ one }: { one: EmergencyInfo }) {
  const { t } = useTranslation()
  const { may } = useSession()
  const client = useQueryClient()
  const [reviewing, setReviewing] = useState(false)
  const refresh = () => client.invalidateQueries({ queryKey: ['emergencies'] })
  const end = useMutation({ mutationFn: () => call<EmergencyInfo>('POST', `/api/v1/emergencies/${encodeURIComponent(one.id)}/end`), onSuccess: refresh })
  return (
    <>
      {one.state === 'on' && <Button size="compact-xs" color="red" loading={end.isPending} onClick={() => end.mutate()}>{t('emergencies.end')}</Button>}
      {mayReview(one, may) && <Button size="compact-xs" onClick={() => setReviewing(true)}>{t('emergencies.review')}</Button>}
      {end.error && <ErrorNote error={end.error} />}
      <Dialog opened={reviewing} onClose={() => setReviewing(false)} title={`${one.person_name} · ${t('emergencies.review')}`}>
        <Review one={one} onDone={() => { setReviewing(false); void refresh() }} />
      </Dialog>
    </>
  )
}

function Review({ one, onDone }: { one: EmergencyInfo; onDone: () => void }) {
  const { t } = useTranslation()
  const [justified, setJustified] = useState('')
  const [finding, setFinding] = useState('')
  const review = useMutation({
    mutationFn: () => call<EmergencyInfo>('POST', `/api/v1/emergencies/${encodeURIComponent(one.id)}/review`, { justified: justified === 'yes', finding: finding.trim() }),
    onSuccess: onDone,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    review.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <p>{one.reason}</p>
      <p className="quiet">{t('emergencies.reviewHint', { count: one.objects_read })}</p>
      <SegmentedControl aria-label={t('emergencies.review')} value={justified} onChange={setJustified} data={[{ value: 'yes', label: t('emergencies.states.justified') }, { value: 'no', label: t('emergencies.states.unjustified') }]} />
      <TextInput label={t('emergencies.finding')} required withAsterisk={false} maxLength={300} value={finding} onChange={(event) => setFinding(event.currentTarget.value)} />
      {review.error && !needsProof(review.error) && <ErrorNote error={review.error} />}
      <Prove opened={needsProof(review.error)} onClose={() => review.reset()} onProved={() => review.mutate()} />
      <Button type="submit" loading={review.isPending} disabled={justified === ''}>{t('emergencies.review')}</Button>
    </form>
  )
}

function Raise({ longest, onDone }: { longest: number; onDone: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const { organisation } = useSession()
  const organisations = (useOrganisations().data ?? []).filter((one) => one.id !== organisation.id)
  const [wanted, setWanted] = useState<Wanted>({ kind: 'object', originator: '', tlp: 'red', class: 'incident', object: '', reason: '', minutes: Math.min(60, longest) })
  const set = (part: Partial<Wanted>) => setWanted({ ...wanted, ...part })
  const raise = useMutation({
    mutationFn: () => call<EmergencyInfo>('POST', '/api/v1/emergencies', asked(wanted)),
    onSuccess: () => {
      onDone()
      // What it opens was not found a moment ago.
      return client.invalidateQueries()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    raise.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <p className="quiet">{t('emergencies.raiseHint')}</p>
      <SegmentedControl aria-label={t('emergencies.for')} value={wanted.kind} onChange={(kind) => set({ kind: kind === 'level' || kind === 'class' ? kind : 'object' })} data={['object', 'level', 'class'].map((kind) => ({ value: kind, label: t(`emergencies.kinds.${kind}`) }))} />
      {wanted.kind === 'object' && <TextInput label={t('emergencies.object')} description={t('emergencies.objectHint')} required withAsterisk={false} className="mono" value={wanted.object} onChange={(event) => set({ object: event.currentTarget.value })} />}
      {wanted.kind === 'level' && <Select label={t('emergencies.originator')} searchable required withAsterisk={false} value={wanted.originator === '' ? null : wanted.originator} onChange={(originator) => set({ originator: originator ?? '' })} data={organisations.map((one) => ({ value: one.id, label: nameOf(one, language) }))} />}
      {wanted.kind === 'level' && <Select label={t('emergencies.upTo')} allowDeselect={false} value={wanted.tlp} onChange={(tlp) => tlp && set({ tlp })} data={LEVELS.map((level) => ({ value: level, label: `TLP:${level.toUpperCase()}` }))} />}
      {wanted.kind === 'class' && <Select label={t('emergencies.class')} allowDeselect={false} value={wanted.class} onChange={(name) => name && set({ class: name })} data={OBJECT_CLASSES.map((name) => ({ value: name, label: t(`emergencies.classes.${name}`) }))} />}
      <TextInput label={t('emergencies.reason')} required withAsterisk={false} maxLength={300} value={wanted.reason} onChange={(event) => set({ reason: event.currentTarget.value })} />
      <NumberInput label={t('emergencies.minutes')} min={1} max={longest} allowDecimal={false} value={wanted.minutes} onChange={(minutes) => set({ minutes: Number(minutes) || 1 })} />
      {raise.error && !needsProof(raise.error) && <ErrorNote error={raise.error} />}
      <Prove opened={needsProof(raise.error)} onClose={() => raise.reset()} onProved={() => raise.mutate()} />
      <Button type="submit" color="red" loading={raise.isPending} disabled={wanted.kind === 'level' && wanted.originator === ''}>{t('emergencies.raise')}</Button>
    </form>
  )
}
