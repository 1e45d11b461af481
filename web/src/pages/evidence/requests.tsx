import { Button, MultiSelect, Progress, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { answerRequest, receiveNamed, request, useEvidenceRequests, type EvidenceAskableHub, type EvidenceItem, type EvidenceNamed, type EvidenceRequest } from '../../api/evidence.ts'
import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useMay, useSession } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Copy } from '../../components/copy.tsx'
import { Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { bytes } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { useWords } from '../reports/words.ts'
import { Act } from './act.tsx'
import { askedChoice } from './asked.ts'
import classes from './evidence.module.css'
import { Mark } from './mark.tsx'
import { requestTone, useSideName } from './words.ts'
import { onClock } from './zoned.ts'

const KINDS = ['preserve', 'hand-over'] as const
const DAY_MS = 24 * 60 * 60 * 1000

/** Who asks whom for evidence of a case, on what basis and until when. */
export function Requests({ of, items }: { of: string; items: EvidenceItem[] }) {
  const { t } = useTranslation()
  const mayAsk = useMay('request-evidence')
  const asked = useEvidenceRequests(of)
  const [asking, setAsking] = useState(false)
  const all = asked.data?.requests ?? []
  return (
    <Section id="requests" title={t('evidence.requests')} aside={mayAsk && <Button size="compact-xs" variant="default" onClick={() => setAsking(true)}>{t('evidence.ask')}</Button>}>
      {asked.error && <ErrorNote error={asked.error} />}
      {asked.data && all.length === 0 && <p className="quiet">{t('evidence.noRequests')}</p>}
      <ol className={classes.list}>{all.map((one) => <Row key={one.id} of={of} one={one} items={items} />)}</ol>
      {asking && <Ask of={of} hubs={asked.data?.askable ?? []} onClose={() => setAsking(false)} />}
    </Section>
  )
}

type Answer = 'accept' | 'refuse' | 'fulfil' | 'withdraw' | 'close'
const ANSWERS: Answer[] = ['accept', 'fulfil', 'refuse', 'withdraw', 'close']

function Row({ of, one, items }: { of: string; one: EvidenceRequest; items: EvidenceItem[] }) {
  const { t } = useTranslation()
  const party = useSideName([one])
  const [answer, setAnswer] = useState<Answer | null>(null)
  const name = (id: string) => items.find((item) => item.id === id)?.name ?? id
  return (
    <li className={classes.item}>
      <span className={classes.head}>
        <strong>{t(`evidence.requestKinds.${one.kind}`, { defaultValue: one.kind })}</strong>
        <Mark tone={requestTone(one)} word={t(`evidence.requestStates.${one.state}`, { defaultValue: one.state })} />
        <span>{t('evidence.fromTo', { from: party(one.from), to: party({ organisation: one.to }) })}</span>
      </span>
      <p className="prose">{one.subject}</p>
      <p className="quiet">{t('evidence.legalBasis')}: {one.legal_basis}{one.reference != null && ` (${one.reference})`}</p>
      <p className={classes.head}><span>{t('evidence.due')}: <Both at={one.due} /></span>{one.overdue && <Mark tone="bad" word={t('evidence.overdue')} />}</p>
      {one.items.length > 0 && <p className={classes.head}>{one.items.map((id) => <Link key={id} className="text-link" to={`/cases/${of}/evidence/${id}`}>{name(id)}</Link>)}</p>}
      {one.named.length > 0 && <Named of={of} one={one} />}
      <ol className={classes.list}>
        {one.steps.map((step) => (
          <li key={step.leaf} className={classes.head}>
            <span>{t(`evidence.requestStates.${step.step}`, { defaultValue: step.step })}</span>
            <span className="quiet">{party(step.by)} · <Ago at={step.at} /> · {t('evidence.leaf', { leaf: step.leaf })}{step.their_leaf != null && ` · ${t('evidence.theirLeaf', { leaf: step.their_leaf })}`}</span>
            {step.note !== '' && step.step !== 'asked' && <span>{step.note}</span>}
          </li>
        ))}
      </ol>
      <div className={classes.buttons}>
        {ANSWERS.filter((what) => one.may.includes(what)).map((what, place) => <Button key={what} size="xs" variant={place === 0 ? 'filled' : 'default'} onClick={() => setAnswer(what)}>{t(`evidence.answer.${what}`)}</Button>)}
      </div>
      {answer !== null && <AnswerDialog one={one} answer={answer} items={items} onClose={() => setAnswer(null)} />}
    </li>
  )
}

/** What another hub says that it keeps or hands over: what is received from there, or brought in a package, is held against it. */
function Named({ of, one }: { of: string; one: EvidenceRequest }) {
  const { t } = useTranslation()
  const receives = one.may.includes('receive')
  return (
    <details open={receives}>
      <summary>{t('evidence.named', { count: one.named.length })}</summary>
      <p className="quiet">{t('evidence.namedHint')}{receives && ` ${t('evidence.receiveHint')}`}</p>
      <ul className={classes.list}>
        {one.named.map((file) => (
          <li key={file.item} className={classes.item}>
            <span className={classes.head}><strong>{file.name}</strong><span className="quiet">{bytes(file.size)}</span></span>
            <Receipt of={of} one={one} file={file} />
            <span>SHA-256: <code className={classes.hash}>{file.sha256}</code> <Copy text={file.sha256} /></span>
            <span>{t('evidence.custodyHead', { count: file.entries })}: <code className={classes.hash}>{file.custody}</code> <Copy text={file.custody} /></span>
          </li>
        ))}
      </ul>
    </details>
  )
}

/** How far a file of another hub is here, and what has it come. */
function Receipt({ of, one, file }: { of: string; one: EvidenceRequest; file: EvidenceNamed }) {
  const { t, i18n: { exists } } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const receiving = useMutation({
    mutationFn: () => receiveNamed(one.id, file.item),
    onSuccess: (told) => say(t(told.named.some((named) => named.item === file.item && named.state === 'coming') ? 'evidence.nowComing' : 'evidence.receivedState')),
    onSettled: () => client.invalidateQueries({ queryKey: ['evidence'] }),
  })
  if (file.state === 'here') {
    return <span className={classes.head}><Mark tone="good" word={t('evidence.receivedState')} />{file.own != null && <Link className="text-link" to={`/cases/${of}/evidence/${file.own}`}>{t('evidence.received')}</Link>}</span>
  }
  if (file.state === 'destroyed') return <Mark tone="plain" word={t('evidence.receivedDestroyed')} />
  if (file.state === 'coming') {
    const arrived = Math.min(file.arrived ?? 0, file.size)
    return (
      <div role="status">
        <Progress value={file.size === 0 ? 100 : (100 * arrived) / file.size} aria-label={t('evidence.coming')} />
        <p className="quiet">{t('evidence.coming')}: {t('evidence.sent', { sent: bytes(arrived), whole: bytes(file.size) })}</p>
      </div>
    )
  }
  const why = `errors.reasons.${file.trouble ?? ''}`
  return (
    <>
      {file.trouble != null && !receiving.error && <p className="quiet">{t('evidence.notCome')}{exists(why) && ` ${t(why)}`}</p>}
      {receiving.error && !needsProof(receiving.error) && <ErrorNote error={receiving.error} />}
      {needsProof(receiving.error) && <Prove opened onClose={() => receiving.reset()} onProved={() => receiving.mutate()} />}
      {one.may.includes('receive') && <span><Button size="xs" loading={receiving.isPending} onClick={() => receiving.mutate()}>{t('evidence.receive')}</Button></span>}
    </>
  )
}

function AnswerDialog({ one, answer, items, onClose }: { one: EvidenceRequest; answer: Answer; items: EvidenceItem[]; onClose: () => void }) {
  const { t } = useTranslation()
  const { organisation } = useSession()
  const [chosen, setChosen] = useState<string[]>([])
  const own = items.filter((item) => item.state === 'kept' && item.custodian.organisation === organisation.id)
  const fulfils = answer === 'fulfil'
  return (
    <Act
      onClose={onClose}
      title={t(`evidence.answer.${answer}`)}
      act={t(`evidence.answer.${answer}`)}
      said={t('evidence.nowAnswered')}
      reasonLabel={t(answer === 'refuse' || answer === 'withdraw' ? 'evidence.reason' : 'evidence.note')}
      silent={answer === 'accept' || answer === 'close' || fulfils}
      complete={!fulfils || chosen.length > 0}
      run={({ reason }) => answerRequest(one.id, { answer, note: reason, ...(fulfils ? { items: chosen } : {}) })}
    >
      {fulfils && (
        <>
          <p>{t(one.kind === 'preserve' ? 'evidence.fulfilPreserve' : one.from_name == null ? 'evidence.fulfilHandOver' : 'evidence.fulfilHandOverAbroad')}</p>
          <MultiSelect label={t('evidence.items')} searchable value={chosen} onChange={setChosen} data={own.map((item) => ({ value: item.id, label: item.name }))} />
        </>
      )}
    </Act>
  )
}

function Ask({ of, hubs, onClose }: { of: string; hubs: EvidenceAskableHub[]; onClose: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const words = useWords()
  const { organisation } = useSession()
  const council = (useOrganisations().data ?? []).filter((one) => one.id !== organisation.id)
  const [id] = useState(() => crypto.randomUUID())
  const [kind, setKind] = useState<(typeof KINDS)[number]>('preserve')
  const [asked, setAsked] = useState<string | null>(null)
  const [reference, setReference] = useState('')
  const [subject, setSubject] = useState('')
  const [due, setDue] = useState(() => onClock(Date.now() + 7 * DAY_MS, Intl.DateTimeFormat().resolvedOptions().timeZone))
  const until = Date.parse(due)
  const complete = asked !== null && subject.trim() !== '' && Number.isFinite(until)
  return (
    <Act
      onClose={onClose}
      title={t('evidence.ask')}
      act={t('evidence.askNow')}
      said={t('evidence.nowAsked')}
      reasonLabel={t('evidence.legalBasis')}
      complete={complete}
      run={({ reason }) => request({ id, case: of, kind, organisation: asked ?? '', subject: subject.trim(), legal_basis: reason, due: new Date(until).toISOString(), ...(reference.trim() === '' ? {} : { reference: reference.trim() }) })}
    >
      <p>{t('evidence.askHint')}{hubs.length > 0 && ` ${t('evidence.askAbroadHint')}`}</p>
      <div className={classes.pair}>
        <Select data-autofocus label={t('evidence.requestKind')} allowDeselect={false} value={kind} onChange={(chosen) => setKind(KINDS.find((one) => one === chosen) ?? 'preserve')} data={KINDS.map((one) => ({ value: one, label: t(`evidence.requestKinds.${one}`) }))} />
        <Select label={t('evidence.asked')} searchable value={asked} onChange={setAsked} data={askedChoice(council.map((one) => ({ value: one.id, label: nameOf(one, language) })), hubs, t('reporting.thisCouncil'), words)} />
      </div>
      <Textarea label={t('evidence.subject')} autosize minRows={2} maxLength={5000} value={subject} onChange={(event) => setSubject(event.currentTarget.value)} />
      <div className={classes.pair}>
        <TextInput type="datetime-local" label={t('evidence.due')} value={due} onChange={(event) => setDue(event.currentTarget.value)} />
        <TextInput label={t('evidence.reference')} maxLength={200} value={reference} onChange={(event) => setReference(event.currentTarget.value)} />
      </div>
    </Act>
  )
}
