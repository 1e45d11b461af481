import { Button, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'react-router'

import { useCases } from '../../api/queries.ts'
import { addOutreach, noteOutreach, useOutreach, type Outreach as Asked } from '../../api/response.ts'
import { useMay } from '../../api/session.ts'
import { Copy } from '../../components/copy.tsx'
import { Count } from '../../components/count.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { defang } from '../../format/value.ts'
import { useLanguage } from '../../i18n.ts'
import { Mark } from './mark.tsx'
import { usePersonName } from './question.tsx'
import classes from './response.module.css'
import type { Tone } from './standing.ts'

const KINDS = ['abuse', 'take-down', 'warning'] as const
const LEVELS = ['clear', 'green', 'amber'] as const
const TONES: Record<string, Tone> = { draft: 'plain', sent: 'warn', acknowledged: 'warn', done: 'good', refused: 'bad', withdrawn: 'off' }

/** What is asked of people outside, and what became of it. */
export function Outreach() {
  const { t } = useTranslation()
  const mayWrite = useMay('run-playbooks')
  const [parameters] = useSearchParams()
  const asked = useOutreach(parameters.get('case'))
  const [writing, setWriting] = useState(false)
  const [noting, setNoting] = useState<Asked | null>(null)
  if (asked.error && !asked.data) return <ErrorNote error={asked.error} retry={() => void asked.refetch()} />
  if (!asked.data) return <Waiting lines={6} />
  const all = asked.data.pages.flatMap((page) => page.outreach).toSorted((one, other) => Number(other.is_overdue) - Number(one.is_overdue))
  return (
    <>
      <div className={classes.bar}>
        <Count count={all.length} updated={asked.dataUpdatedAt} more={asked.hasNextPage} />
        {mayWrite && <Button size="xs" variant="default" onClick={() => setWriting(true)}>{t('response.writeOutreach')}</Button>}
      </div>
      {all.length === 0 && <Empty title={t('response.noOutreach')}>{t('response.noOutreachHint')}</Empty>}
      <ul className={classes.list}>{all.map((one) => <li key={one.id}><One one={one} onNote={setNoting} /></li>)}</ul>
      {asked.hasNextPage && <Button variant="default" loading={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>{t('response.more')}</Button>}
      {writing && <Write onClose={() => setWriting(false)} />}
      {noting && <Note one={noting} onClose={() => setNoting(null)} />}
    </>
  )
}

function One({ one, onNote }: { one: Asked; onNote: (one: Asked) => void }) {
  const { t } = useTranslation()
  const person = usePersonName()
  const tone = one.is_overdue ? 'bad' : TONES[one.state] ?? 'off'
  return (
    <article className={classes.order} data-tone={tone}>
      <div className={classes.head}>
        <Mark tone={tone} word={t(one.is_overdue ? 'response.outreachOverdue' : `response.outreachStates.${one.state}`, { defaultValue: one.state })} />
        <h2>{t(`response.outreachKinds.${one.kind}`, { defaultValue: one.kind })}: {one.recipient}</h2>
        {one.may_become.length > 0 && <Button className={classes.undo ?? ''} size="xs" variant="default" onClick={() => onNote(one)}>{t('response.noteStep')}</Button>}
      </div>
      <dl className={classes.row}>
        <div><dt>{t('response.outreachWay')}</dt><dd>{one.way} <Copy text={one.way} /></dd></div>
        <div><dt>{t('response.outreachAbout')}</dt><dd>{one.about.length === 0 ? '–' : one.about.map((value) => <span key={value} className={classes.each}>{defang(value)}</span>)}</dd></div>
        <div><dt>{t('response.basis')}</dt><dd>{one.basis ?? t('response.noBasis')}</dd></div>
        <div><dt>{t('response.answerBy')}</dt><dd>{one.due == null ? '–' : <Ago at={one.due} />}</dd></div>
      </dl>
      <details className={classes.exactly}>
        <summary>{t('response.outreachWhole', { count: one.steps.length })}</summary>
        <p className="quiet">TLP:{one.tlp.toUpperCase()} <Copy text={one.text} /></p>
        <pre className={classes.exact} tabIndex={0}>{one.text}</pre>
        <ol className={classes.list}>
          {one.steps.map((step) => (
            <li key={`${step.by.at} ${step.state}`}>
              {t(`response.outreachStates.${step.state}`, { defaultValue: step.state })} · {person(step.by)} · <Ago at={step.by.at} />
              {step.words != null && <p className={classes.text}>{step.words}</p>}
            </li>
          ))}
        </ol>
      </details>
    </article>
  )
}

function Write({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const { say } = useToasts()
  const [parameters] = useSearchParams()
  const mayWork = useMay('work-cases')
  const cases = useCases('open', mayWork).data?.cases ?? []
  // Made once: sent again after a connection broke, it is the same one.
  const [id] = useState(() => crypto.randomUUID())
  const [kind, setKind] = useState<string>(KINDS[0])
  const [tlp, setTlp] = useState<string>('amber')
  const [of, setOf] = useState(parameters.get('case'))
  const [held, setHeld] = useState({ recipient: '', way: '', about: '', text: '', basis: '' })
  const set = (part: Partial<typeof held>) => setHeld((before) => ({ ...before, ...part }))
  const send = useMutation({
    mutationFn: () => addOutreach({
      id, kind, tlp, case: of, recipient: held.recipient, way: held.way, text: held.text,
      about: held.about.split('\n').map((line) => line.trim()).filter((line) => line !== ''),
      basis: held.basis.trim() === '' ? null : held.basis,
    }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['outreach'] })
      say(t('response.outreachWritten'))
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  if (needsProof(send.error)) return <Prove opened onClose={send.reset} onProved={() => send.mutate()} />
  return (
    <Dialog opened onClose={onClose} title={t('response.writeOutreach')} size="lg">
      <form className={classes.form} onSubmit={submit}>
        <p className="quiet">{t('response.writeOutreachHint')}</p>
        <SegmentedControl aria-label={t('response.kind')} value={kind} onChange={setKind} data={KINDS.map((one) => ({ value: one, label: t(`response.outreachKinds.${one}`) }))} />
        {mayWork && <Select label={t('response.case')} placeholder={t('response.noCase')} clearable searchable value={of} onChange={setOf} data={cases.map((one) => ({ value: one.id, label: `#${one.number} ${inLanguage(one.title, language)}` }))} />}
        <TextInput data-autofocus label={t('response.outreachTo')} required withAsterisk={false} maxLength={200} value={held.recipient} onChange={(event) => set({ recipient: event.currentTarget.value })} />
        <TextInput label={t('response.outreachWay')} description={t('response.outreachWayHint')} required withAsterisk={false} maxLength={300} value={held.way} onChange={(event) => set({ way: event.currentTarget.value })} />
        <Textarea label={t('response.outreachAbout')} description={t('response.outreachAboutHint')} autosize minRows={2} maxLength={15_000} value={held.about} onChange={(event) => set({ about: event.currentTarget.value })} />
        <Textarea label={t('response.outreachText')} required withAsterisk={false} autosize minRows={4} maxLength={8_000} value={held.text} onChange={(event) => set({ text: event.currentTarget.value })} />
        <TextInput label={t('response.basis')} maxLength={300} value={held.basis} onChange={(event) => set({ basis: event.currentTarget.value })} />
        <SegmentedControl aria-label="TLP" value={tlp} onChange={setTlp} data={LEVELS.map((one) => ({ value: one, label: `TLP:${one.toUpperCase()}` }))} />
        {send.error && <ErrorNote error={send.error} />}
        <div className={classes.acts}>
          <Button type="submit" loading={send.isPending} disabled={[held.recipient, held.way, held.text].some((one) => one.trim() === '')}>{t('response.saveOutreach')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

function Note({ one, onClose }: { one: Asked; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [next, setNext] = useState(one.may_become[0] ?? '')
  const [words, setWords] = useState('')
  const [due, setDue] = useState('')
  const isAwaited = next === 'sent' || next === 'acknowledged'
  const isReasoned = next === 'refused' || next === 'withdrawn'
  const send = useMutation({
    mutationFn: () => noteOutreach(one.id, { state: next, words: words.trim() === '' ? null : words, due: isAwaited && due !== '' ? new Date(due).toISOString() : null }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['outreach'] })
      say(t('response.stepNoted'))
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  if (needsProof(send.error)) return <Prove opened onClose={send.reset} onProved={() => send.mutate()} />
  return (
    <Dialog opened onClose={onClose} title={t('response.noteStep')}>
      <form className={classes.form} onSubmit={submit}>
        <p><strong>{one.recipient}</strong><span className={classes.under}>{one.way}</span></p>
        <Select label={t('response.standing')} allowDeselect={false} value={next} onChange={(value) => setNext(value ?? next)} data={one.may_become.map((state) => ({ value: state, label: t(`response.outreachStates.${state}`, { defaultValue: state }) }))} />
        {isAwaited && <TextInput type="datetime-local" label={t('response.answerBy')} value={due} onChange={(event) => setDue(event.currentTarget.value)} />}
        <Textarea data-autofocus label={t(isReasoned ? 'response.reason' : 'response.stepWords')} required={isReasoned} withAsterisk={false} autosize minRows={2} maxLength={1_000} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
        {send.error && <ErrorNote error={send.error} />}
        <div className={classes.acts}>
          <Button type="submit" loading={send.isPending} disabled={isReasoned && words.trim() === ''}>{t('response.saveStep')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}
