import { Button, Checkbox, NumberInput, Radio, Select, Textarea, TextInput, MultiSelect } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useSearchParams } from 'react-router'

import { ASKED_FOR, FIELDS, readIndicators, request, useAuthorisation, useOversight, type Authorisation, type FrameDocument, type Terms } from '../../api/oversight.ts'
import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { useNow } from '../../input/now.ts'
import { Off } from './authorisations.tsx'
import { IndicatorFinder } from './finder.tsx'
import classes from './oversight.module.css'
import { TermsText } from './terms.tsx'
import { FILTER_VALUES, hoursMax, linesOf, localOf, missing, momentOf, wanted, type Chosen } from './wanted.ts'
import { CATEGORY_ORDER, useCategory, useHours } from './words.ts'

const STEP_MS = 5 * 60_000

/** Asks the commission: the form on one side, what the commissioners will read on the other. */
export default function RequestPage() {
  const { t } = useTranslation()
  const [parameters] = useSearchParams()
  const narrows = parameters.get('narrows') ?? ''
  const oversight = useOversight()
  const wider = useAuthorisation(narrows, narrows !== '')
  const list = useMutation({ mutationFn: () => readIndicators(narrows) })
  const title = t(narrows === '' ? 'oversight.request' : 'oversight.narrow')
  const above = <Link to="/oversight/authorisations" className="text-link">{t('oversight.authorisations')}</Link>
  const error = oversight.error ?? wider.error
  if (error) return <Page title={title} above={above}><ErrorNote error={error} /></Page>
  if (!oversight.data || (narrows !== '' && !wider.data)) return <Page title={title} above={above}><Waiting lines={10} /></Page>
  const frame = oversight.data.frame?.document
  if (!oversight.data.is_on || !frame) return <Page title={title} above={above}><Off /></Page>
  // The wider one's list is where a narrower one begins; to look at it is written down, so that it is asked for.
  if (wider.data && !list.data) {
    return (
      <Page title={title} above={above}>
        <p className={classes.intro}>{t('oversight.narrowBegin')}</p>
        {list.error && <ErrorNote error={list.error} />}
        <Button loading={list.isPending} onClick={() => list.mutate()}>{t('oversight.narrowOpen')}</Button>
      </Page>
    )
  }
  return <Page title={title} above={above}><Form frame={frame} wider={wider.data ?? null} patterns={list.data?.patterns ?? []} /></Page>
}

function begin(frame: FrameDocument, wider: Authorisation | null, patterns: readonly string[], now: number): Chosen {
  const from = Math.ceil(now / STEP_MS) * STEP_MS
  if (wider === null) {
    return { kind: 'ordinary', category: '', operators: [], text: '', sealed: false, matching: 'direct', elements: Math.min(1_000, frame.list_max), filterValues: FILTER_VALUES, fields: ['addresses', 'ports'], queries: Math.min(4, frame.queries_per_day_max), from: localOf(from), until: '', retention: frame.retention_classes.length === 1 ? frame.retention_classes[0] ?? '' : '', purpose: 'collective-defence', reason: '', narrows: null }
  }
  const { terms } = wider
  // To the minute that a field can hold, within the wider one's time.
  const start = Math.max(from, Math.ceil(Date.parse(terms.from) / 60_000) * 60_000)
  return { kind: terms.kind, category: terms.category, operators: terms.operators, text: patterns.join('\n'), sealed: wider.sealed, matching: terms.private?.mode ?? 'direct', elements: terms.private?.elements ?? 0, filterValues: terms.private?.filter_values_max ?? FILTER_VALUES, fields: terms.fields, queries: terms.queries_per_day, from: localOf(start), until: localOf(Math.floor(Date.parse(terms.until) / 60_000) * 60_000), retention: terms.retention, purpose: terms.purpose, reason: terms.reason, narrows: terms.id }
}

interface Part {
  chosen: Chosen
  set: (part: Partial<Chosen>) => void
  frame: FrameDocument
  wider: Authorisation | null
}

function Form({ frame, wider, patterns }: { frame: FrameDocument; wider: Authorisation | null; patterns: readonly string[] }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const client = useQueryClient()
  const { organisation } = useSession()
  const now = useNow(15_000)
  const [chosen, setChosen] = useState(() => begin(frame, wider, patterns, now))
  const send = useMutation({
    mutationFn: () => request(wanted(chosen)),
    onSuccess: async (asked) => {
      client.setQueryData(['authorisations', 'one', asked.id], asked)
      await client.invalidateQueries({ queryKey: ['authorisations', 'list'] })
      void navigate(`/oversight/authorisations/${asked.id}`)
    },
  })
  const set = (part: Partial<Chosen>) => setChosen((held) => ({ ...held, ...part }))
  const open = missing(frame, chosen, now)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (open.length === 0) send.mutate()
  }
  const terms: Terms = {
    id: '', kind: chosen.kind, category: chosen.category, article: frame.categories[chosen.category]?.article ?? '', requested_by: organisation.id, operators: chosen.operators, list_root: '', list_size: linesOf(chosen.text).length,
    fields: chosen.matching === 'direct' ? chosen.fields : [], queries_per_day: chosen.matching === 'direct' ? chosen.queries : 1, from: momentOf(chosen.from) ?? '', until: momentOf(chosen.until) ?? '', retention: chosen.retention, purpose: chosen.purpose, reason: chosen.reason, narrows: chosen.narrows,
    ...(chosen.matching === 'direct' ? {} : { private: { mode: chosen.matching, elements: chosen.elements, filter_values_max: chosen.filterValues, seed_commitment: '' } }),
  }
  const part = { chosen, set, frame, wider }
  return (
    <div className={classes.drafting}>
      <form className={classes.form} onSubmit={submit} noValidate>
        <p className={classes.hint}>{t(wider ? 'oversight.narrowForm' : 'oversight.requestHint')}</p>
        <Basis {...part} />
        <Where {...part} />
        <What {...part} />
        <Limits {...part} />
        <Textarea label={t('oversight.reason')} description={t('oversight.reasonForCommission')} required withAsterisk={false} autosize minRows={3} maxLength={4000} value={chosen.reason} onChange={(event) => set({ reason: event.currentTarget.value })} />
        {send.error && !needsProof(send.error) && <ErrorNote error={send.error} />}
        {open.length > 0 && <div className={classes.missing}><p id="missing">{t('oversight.missingLabel')}</p><ul aria-labelledby="missing">{open.map((one) => <li key={one}>{t(`oversight.missing.${one}`)}</li>)}</ul></div>}
        <div className={classes.acts}><Button type="submit" loading={send.isPending} disabled={open.length > 0}>{t(chosen.kind === 'emergency' ? 'oversight.sendEmergency' : 'oversight.send')}</Button></div>
        <p className="quiet">{t('oversight.sendHint')}</p>
      </form>
      <div className={classes.preview} tabIndex={0} role="group" aria-label={t('oversight.preview')}><p className={classes.previewOf}>{t('oversight.preview')}</p><TermsText terms={terms} sealed={chosen.sealed || chosen.matching !== 'direct'} isDraft /></div>
      <Prove opened={needsProof(send.error)} onClose={send.reset} onProved={() => send.mutate()} />
    </div>
  )
}

/** Ordinary or emergency, and on which ground. A narrower form keeps both. */
function Basis({ chosen, set, frame, wider }: Part) {
  const { t } = useTranslation()
  const category = useCategory()
  const hours = useHours()
  const names = CATEGORY_ORDER.filter((name) => frame.categories[name] !== undefined)
  return (
    <>
      <Radio.Group label={t('oversight.kind')} value={chosen.kind} onChange={(kind) => set({ kind: kind === 'emergency' ? 'emergency' : 'ordinary' })}>
        <div className={classes.choices}>
          <Radio value="ordinary" label={t('oversight.ordinary')} description={t('oversight.ordinaryHint')} />
          <Radio value="emergency" label={t('oversight.emergency')} description={t('oversight.emergencyHint', { count: frame.emergency.persons, longest: hours(frame.emergency.hours_max) })} />
        </div>
      </Radio.Group>
      <Select
        label={t('oversight.basis')}
        description={chosen.category === '' ? t('oversight.basisHint') : t('oversight.basisOf', { article: frame.categories[chosen.category]?.article ?? '', longest: hours(hoursMax(frame, chosen)) })}
        disabled={wider !== null} allowDeselect={false} value={chosen.category === '' ? null : chosen.category} data={names.map((name) => ({ value: name, label: category(name) }))} onChange={(name) => name && set({ category: name })}
      />
      <Select label={t('oversight.purpose')} disabled={wider !== null} allowDeselect={false} value={chosen.purpose} data={ASKED_FOR.map((value) => ({ value, label: t(`purposes.${value}`) }))} onChange={(purpose) => purpose && set({ purpose })} />
    </>
  )
}

function Where({ chosen, set, wider }: Part) {
  const { t } = useTranslation()
  const language = useLanguage()
  const organisations = useOrganisations().data ?? []
  const data = organisations.filter((one) => one.role === 'operator' && (wider === null || wider.terms.operators.includes(one.id))).map((one) => ({ value: one.id, label: nameOf(one, language) }))
  return <MultiSelect label={t('oversight.operators')} description={t('oversight.operatorsHint')} searchable hidePickedOptions value={chosen.operators} data={data} onChange={(operators) => set({ operators })} />
}

/** The list of what is looked for: pasted, or taken from the intelligence that is here. */
function What({ chosen, set, frame, wider }: Part) {
  const { t } = useTranslation()
  const lines = linesOf(chosen.text)
  const unknown = lines.filter((line) => line.pattern === null)
  const add = (pattern: string) => set({ text: chosen.text.trim() === '' ? pattern : `${chosen.text.trimEnd()}\n${pattern}` })
  return (
    <fieldset className={classes.group}>
      <legend>{t('oversight.list')}</legend>
      <IndicatorFinder onPick={add} />
      <Textarea
        label={t('oversight.listField')} description={t('oversight.listFieldHint', { text: exact(frame.list_max) })} autosize minRows={3} maxRows={12} spellCheck={false} classNames={{ input: classes.code ?? '' }}
        value={chosen.text} onChange={(event) => set({ text: event.currentTarget.value })}
        error={unknown.length === 0 ? undefined : t('oversight.unknownLines', { count: unknown.length, text: unknown.slice(0, 3).map((line) => line.text).join(', ') })}
      />
      <p className="quiet">{t('oversight.listCount', { count: lines.length, text: exact(lines.length) })}</p>
      <Radio.Group label={t('oversight.matching')} value={chosen.matching} onChange={(matching) => set({ matching: matching === 'match' || matching === 'count' ? matching : 'direct' })}>
        <div className={classes.choices}>
          {(['direct', 'match', 'count'] as const).map((way) => <Radio key={way} value={way} disabled={wider !== null} label={t(`oversight.matchingOf.${way}`)} description={t(`oversight.matchingHint.${way}`)} />)}
        </div>
      </Radio.Group>
      {chosen.matching !== 'direct' && <NumberInput label={t('oversight.elements')} description={t('oversight.elementsHint', { text: exact(wider?.terms.private?.elements ?? frame.list_max) })} min={1} max={wider?.terms.private?.elements ?? frame.list_max} clampBehavior="none" allowDecimal={false} value={chosen.elements} onChange={(value) => set({ elements: value === '' ? 0 : Number(value) })} />}
    </fieldset>
  )
}

/** What may leave, how often, how long. */
function Limits({ chosen, set, frame, wider }: Part) {
  const { t } = useTranslation()
  const hours = useHours()
  const fields = FIELDS.filter((field) => wider === null || wider.terms.fields.includes(field))
  const toggle = (field: string) => set({ fields: FIELDS.filter((one) => (one === field ? !chosen.fields.includes(one) : chosen.fields.includes(one))) })
  const isPrivate = chosen.matching !== 'direct'
  const longest = chosen.category === '' ? undefined : t('oversight.periodHint', { longest: hours(hoursMax(frame, chosen)) })
  return (
    <>
      {!isPrivate && <fieldset className={classes.group}>
        <legend>{t('oversight.fields')}</legend>
        <p className={classes.hint}>{t('oversight.fieldsHint')}</p>
        <div className={classes.boxes}>{fields.map((field) => <Checkbox key={field} size="sm" label={t(`oversight.field.${field}`)} checked={chosen.fields.includes(field)} onChange={() => toggle(field)} />)}</div>
      </fieldset>}
      <div className={classes.pair}>
        <TextInput type="datetime-local" label={t('oversight.fromField')} description={t('oversight.jst')} value={chosen.from} onChange={(event) => set({ from: event.currentTarget.value })} />
        <TextInput type="datetime-local" label={t('oversight.untilField')} description={longest ?? t('oversight.jst')} min={chosen.from} value={chosen.until} onChange={(event) => set({ until: event.currentTarget.value })} />
      </div>
      <div className={classes.pair}>
        {!isPrivate && <NumberInput label={t('oversight.quota')} description={t('oversight.quotaHint', { text: exact(wider?.terms.queries_per_day ?? frame.queries_per_day_max) })} min={1} max={wider?.terms.queries_per_day ?? frame.queries_per_day_max} clampBehavior="none" allowDecimal={false} value={chosen.queries} onChange={(value) => set({ queries: value === '' ? 0 : Number(value) })} />}
        <Select label={t('oversight.retention')} description={t('oversight.retentionHint')} disabled={wider !== null} allowDeselect={false} value={chosen.retention === '' ? null : chosen.retention} data={frame.retention_classes} onChange={(retention) => retention && set({ retention })} />
      </div>
    </>
  )
}
