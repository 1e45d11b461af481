import { Button, Checkbox, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Pause, Play, Printer } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { cancelRun, isOver, pauseRun, usePlaybook, useRun, type Run, type RunDispatch } from '../../api/response.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page, Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useCase } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { inLanguage } from '../../format/bilingual.ts'
import { date, time } from '../../format/time.ts'
import { useLanguage } from '../../i18n.ts'
import { Mark } from './mark.tsx'
import { GraphView } from './playbook.tsx'
import { Answered, QuestionCard, usePersonName } from './question.tsx'
import classes from './response.module.css'
import { runTone, stepStandings, type Tone } from './standing.ts'
import { Tasks, Unknown } from './tasks.tsx'
import { shown } from './values.ts'
import { useCommandHeadline, useGateReason, useNameIn, useSaid } from './words.ts'

/** One run, as it stands now: what it asks first, then where it is and what it did. */
export default function RunPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const said = useSaid()
  const run = useRun(id)
  const [cancelling, setCancelling] = useState(false)
  const [pausing, setPausing] = useState(false)
  const above = <Link className="text-link" to="/response/runs">{t('response.parts.runs')}</Link>
  if (run.error && !run.data) return <Page title={t('response.theRun')} above={above}><ErrorNote error={run.error} retry={() => void run.refetch()} /></Page>
  if (!run.data) return <Page title={t('response.theRun')} above={above}><Waiting lines={10} /></Page>
  const { summary } = run.data
  const actions = (
    <>
      <Button size="xs" variant="default" leftSection={<Printer size={14} aria-hidden />} onClick={() => window.print()}>{t('response.print')}</Button>
      {run.data.may_cancel && !isOver(summary.state) && <Button size="xs" variant="default" leftSection={summary.state === 'paused' ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />} onClick={() => setPausing(true)}>{t(summary.state === 'paused' ? 'response.continueRun' : 'response.pauseRun')}</Button>}
      {run.data.may_cancel && !isOver(summary.state) && <Button size="xs" variant="default" onClick={() => setCancelling(true)}>{t('response.cancelRun')}</Button>}
    </>
  )
  return (
    <Page title={said(summary.name)} above={above} aside={<Mark tone={runTone(summary.state)} word={t(`response.states.${summary.state}`)} />} actions={actions}>
      <Facts run={run.data} />
      <Waits run={run.data} />
      <Section id="steps" title={t('response.stepsTitle')} aside={<>{t('common.asOf')} <Ago at={new Date(run.dataUpdatedAt).toISOString()} /></>}>
        <RunGraph run={run.data} />
      </Section>
      <Section id="commands" title={t('response.sent')} aside={String(run.data.commands.length)}><Commands run={run.data} /></Section>
      <div className={classes.halves}>
        <Section id="events" title={t('response.events')} aside={String(run.data.events.length)}><Events run={run.data} /></Section>
        <Section id="variables" title={t('response.variables')} aside={String(run.data.variables.length)}><Variables run={run.data} /></Section>
      </div>
      {cancelling && <Cancel run={run.data} onClose={() => setCancelling(false)} />}
      {pausing && <PauseDialog run={run.data} onClose={() => setPausing(false)} />}
    </Page>
  )
}

function Facts({ run: { summary, events } }: { run: Run }) {
  const { t } = useTranslation()
  const person = usePersonName()
  const reason = useGateReason()
  // Who stopped it and why is told by its event; what the run says of itself names people by their identifiers.
  const stopped = summary.state === 'cancelled' ? events.findLast(({ event }) => event === 'cancelled') : undefined
  const why = stopped ? [stopped.by == null ? null : person(stopped.by), stopped.detail].filter((part) => part != null).join(': ') : summary.why == null ? summary.why : reason(summary.why, summary.why_reason)
  return (
    <div className={classes.intro}>
      {summary.dry_run === true && <p className={classes.notice} role="note">{t('response.isDry')}</p>}
      {why != null && why !== '' && <p className={classes.notice} role="note">{why}</p>}
      <dl className={classes.row}>
        <div><dt>{t('response.requestedBy')}</dt><dd>{person(summary.requested_by)}</dd></div>
        <div><dt>{t('response.playbook')}</dt><dd><Link className="text-link" to={`/response/playbooks/${summary.playbook}?version=${encodeURIComponent(summary.version)}`}>{t('response.version')} <Ago at={summary.version} /></Link></dd></div>
        {summary.case != null && <div><dt>{t('response.case')}</dt><dd><CaseLink id={summary.case} /></dd></div>}
        <div><dt>{t('response.started')}</dt><dd><Both at={summary.started} /></dd></div>
        {summary.ended != null && <div><dt>{t('response.ended')}</dt><dd><Both at={summary.ended} /></dd></div>}
      </dl>
    </div>
  )
}

function CaseLink({ id }: { id: string }) {
  return useMay('work-cases') ? <NamedCase id={id} /> : <span className="mono">{id}</span>
}

function NamedCase({ id }: { id: string }) {
  const language = useLanguage()
  const summary = useCase(id).data?.summary
  return <Link className="text-link" to={`/cases/${id}`}>{summary ? `#${summary.number} ${inLanguage(summary.title, language)}` : id}</Link>
}

/** What waits for people: questions, manual steps, and commands that nobody knows of. */
function Waits({ run }: { run: Run }) {
  const { t } = useTranslation()
  // A run that is over waits for nobody, whatever was open when it ended.
  const isGoing = !isOver(run.summary.state)
  const open = run.questions.filter(({ state }) => isGoing && state === 'open')
  const answered = run.questions.filter((question) => !open.includes(question))
  const tasks = run.tasks.filter(({ state }) => isGoing && (state === 'open' || state === 'unknown'))
  const done = run.tasks.filter((task) => !tasks.includes(task))
  const unknown = run.commands.filter(({ state, command }) => state === 'unknown' && command.kind !== 'manual')
  return (
    <>
      {open.length > 0 && <Section id="questions" title={t('response.questions')} aside={String(open.length)}>{open.map((question) => <QuestionCard key={question.number} run={run} question={question} />)}</Section>}
      {tasks.length > 0 && <Section id="tasks" title={t('response.tasks')} aside={String(tasks.length)}><Tasks run={run} tasks={tasks} /></Section>}
      {unknown.length > 0 && <Section id="unknown" title={t('response.unknown')} aside={String(unknown.length)}>{unknown.map((dispatch) => <Unknown key={dispatch.command.key} run={run} dispatch={dispatch} />)}</Section>}
      {answered.length + done.length > 0 && (
        <details className={classes.past}>
          <summary>{t('response.past', { count: answered.length + done.length })}</summary>
          <ul className={classes.list}>{answered.map((question) => <li key={question.number} className={classes.item}><Answered question={question} /></li>)}</ul>
          <Tasks run={run} tasks={done} />
        </details>
      )}
    </>
  )
}

function RunGraph({ run }: { run: Run }) {
  const standings = stepStandings(run)
  const agents = usePlaybook(run.summary.playbook, run.summary.version).data?.agents
  const first = [...standings].find(([, standing]) => standing === 'asks' || standing === 'task')?.[0] ?? [...standings].findLast(([, standing]) => standing === 'under_way')?.[0] ?? null
  return <GraphView graph={run.graph} standings={standings} first={first} {...(agents ? { agents } : {})} />
}

const DISPATCHES: Record<string, Tone> = { dispatched: 'plain', unknown: 'warn', done: 'good', failed: 'bad', again: 'plain' }

function Commands({ run }: { run: Run }) {
  const { t } = useTranslation()
  const headline = useCommandHeadline()
  const nameIn = useNameIn(run.graph)
  const sent = run.commands.filter(({ command }) => command.kind !== 'manual')
  if (sent.length === 0) return <p className="quiet">{t('response.nothingSent')}</p>
  const mark = ({ state }: RunDispatch) => <Mark tone={DISPATCHES[state] ?? 'off'} word={t(`response.dispatches.${state}`, { defaultValue: state })} />
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('response.sent')}>
      <table className={classes.table}>
        <thead><tr><th scope="col">{t('response.command')}</th><th scope="col">{t('response.standing')}</th><th scope="col">{t('response.where')}</th><th scope="col">{t('response.step')}</th><th scope="col">{t('response.ends')}</th><th scope="col">{t('response.inverse')}</th></tr></thead>
        <tbody>
          {sent.map((one) => (
            <tr key={one.command.key}>
              <th scope="row">{headline(one.command)}{one.undoes != null && <span className={classes.under}>{t('response.undoes')}</span>}</th>
              <td>{mark(one)}</td>
              <td>{one.command.target ?? one.command.agent}</td>
              <td>{nameIn(one.step)}</td>
              <td>{one.stops == null ? '–' : <Ago at={one.stops} />}</td>
              <td>{one.command.inverse == null ? t('response.noInverse') : t('response.kept')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="quiet"><Link className="text-link" to={`/response/orders?run=${run.summary.id}`}>{t('response.toOrders')}</Link></p>
    </div>
  )
}

/** What happened, the newest first. */
function Events({ run }: { run: Run }) {
  const { t } = useTranslation()
  const person = usePersonName()
  const reason = useGateReason()
  const nameIn = useNameIn(run.graph)
  const events = run.events.toReversed()
  if (events.length === 0) return <Empty title={t('response.noEvents')} />
  return (
    <ol className={classes.timeline}>
      {events.map((event) => (
        <li key={event.number}>
          <time dateTime={event.at} title={date(event.at, 'JST')}>{time(event.at, 'JST')}<small>JST</small></time>
          <div>
            <p><strong>{t(`response.happenings.${event.event}`, { defaultValue: event.event })}</strong> {event.step != null && <span>{nameIn(event.step)}</span>}</p>
            {event.by != null && <p className="quiet">{person(event.by)}</p>}
            {event.detail != null && event.detail !== '' && <p className={classes.text}>{reason(event.detail, event.detail_reason)}</p>}
          </div>
        </li>
      ))}
    </ol>
  )
}

function Variables({ run }: { run: Run }) {
  const said = useSaid()
  return (
    <dl className={classes.pairs}>
      {run.variables.map((variable) => <div key={variable.name}><dt>{variable.description == null ? variable.name : said(variable.description)}<span className={classes.under}>{variable.name}</span></dt><dd><code>{shown(variable.value) === '' ? '–' : shown(variable.value)}</code></dd></div>)}
    </dl>
  )
}

function Cancel({ run, onClose }: { run: Run; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [reason, setReason] = useState('')
  const [undo, setUndo] = useState(true)
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.summary.id, reason.trim(), undo),
    onSuccess: (changed) => {
      client.setQueryData(['runs', 'one', run.summary.id], changed)
      void client.invalidateQueries({ queryKey: ['runs'] })
      say(t('response.cancelled'))
      onClose()
    },
  })
  if (needsProof(cancel.error)) return <Prove opened onClose={cancel.reset} onProved={() => cancel.mutate()} />
  return (
    <Dialog opened onClose={onClose} title={t('response.cancelRun')}>
      <form className={classes.form} onSubmit={(event) => { event.preventDefault(); cancel.mutate() }}>
        <p>{t('response.cancelHint')}</p>
        <Textarea data-autofocus label={t('response.reason')} required withAsterisk={false} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        <Checkbox label={t('response.undoToo')} checked={undo} onChange={(event) => setUndo(event.currentTarget.checked)} />
        {cancel.error && <ErrorNote error={cancel.error} />}
        <div className={classes.acts}>
          <Button type="submit" color="red" loading={cancel.isPending} disabled={reason.trim() === ''}>{t('response.cancelRun')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.close')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Stops a run where it stands, or lets it go on. */
function PauseDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [reason, setReason] = useState('')
  // What it was when this opened: somebody else may pause it meanwhile.
  const [isPaused] = useState(run.summary.state === 'paused')
  const pause = useMutation({
    mutationFn: () => pauseRun(run.summary.id, isPaused ? 'continue' : 'pause', reason.trim()),
    onSuccess: (changed) => {
      client.setQueryData(['runs', 'one', run.summary.id], changed)
      void client.invalidateQueries({ queryKey: ['runs'] })
      say(t(isPaused ? 'response.isContinued' : 'response.isPaused'))
      onClose()
    },
  })
  if (needsProof(pause.error)) return <Prove opened onClose={pause.reset} onProved={() => pause.mutate()} />
  return (
    <Dialog opened onClose={onClose} title={t(isPaused ? 'response.continueRun' : 'response.pauseRun')}>
      <form className={classes.form} onSubmit={(event) => { event.preventDefault(); pause.mutate() }}>
        <p>{t(isPaused ? 'response.continueHint' : 'response.pauseHint')}</p>
        <Textarea data-autofocus label={t('response.reason')} required withAsterisk={false} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {pause.error && <ErrorNote error={pause.error} />}
        <div className={classes.acts}>
          <Button type="submit" loading={pause.isPending} disabled={reason.trim() === ''}>{t(isPaused ? 'response.continueRun' : 'response.pauseRun')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}
