import { Button, Textarea } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Check, Siren, X } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { answerQuestion, type OrderPerson, type Run, type RunCommand, type RunQuestion } from '../../api/response.ts'
import { Copy } from '../../components/copy.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { relative } from '../../format/time.ts'
import { useLanguage } from '../../i18n.ts'
import { useNow } from '../../input/now.ts'
import { Coded } from './coded.tsx'
import { readable } from './openc2.ts'
import { OtherPerson, useProving } from './proving.ts'
import classes from './response.module.css'
import { useBounds, useCommandHeadline, useLength, useSaid, useTrials } from './words.ts'

type Answer = 'approve' | 'approve-alone' | 'refuse'

/** Who somebody is, as far as it is shown: a name where the organisation shows it. */
export function usePersonName(): (person: OrderPerson) => string {
  const organisation = useOrganisationName()
  const { t } = useTranslation()
  const language = useLanguage()
  return ({ organisation: id, name }) => {
    const of = inLanguage(organisation(id), language)
    return name == null ? of : t('response.personOf', { name, organisation: of })
  }
}

/** One question: what will happen if one says yes, on what authority, how far it goes, when it ends and what undoes it. */
export function QuestionCard({ run, question, level = 'h3' }: { run: Run; question: RunQuestion; level?: 'h2' | 'h3' }) {
  const { t } = useTranslation()
  const said = useSaid()
  const person = usePersonName()
  const headline = useCommandHeadline()
  const [answer, setAnswer] = useState<Answer | null>(null)
  const Heading = level
  const [first, ...more] = question.commands
  const title = first ? headline(first) : question.step_name == null ? question.step : said(question.step_name)
  return (
    <article className={classes.question} aria-label={title}>
      <header>
        <Heading>{more.length > 0 ? t('response.andMore', { text: title, count: more.length }) : title}</Heading>
        <p className={classes.origin}>
          <Link className="text-link" to={`/response/runs/${run.summary.id}`}>{said(run.summary.name)}</Link>
          {question.step_name != null && <span>{said(question.step_name)}</span>}
          <span>{t('response.askedBy', { name: person(run.summary.requested_by) })}</span>
          <Ago at={run.summary.requested_by.at} />
        </p>
      </header>
      <Expiry at={question.expires} />
      <div className={classes.effects}>{question.commands.map((command) => <Effect key={command.key} command={command} named={more.length > 0} />)}</div>
      <dl className={classes.agreed}>
        <div>
          <dt>{t('response.approvals')}</dt>
          <dd>
            <strong>{t('response.givenOf', { count: question.given.length, required: question.required })}</strong>
            {question.given.map((one) => <span key={`${one.organisation} ${one.at}`} className={classes.each}>{person(one)} · <Ago at={one.at} /></span>)}
            {question.given.length === 0 && <span className={classes.under}>{t('response.differentOrganisations')}</span>}
          </dd>
        </div>
        {question.hash != null && (
          <div>
            <dt>{t('response.hash')}</dt>
            <dd><code className={classes.hash}>{question.hash}</code> <Copy text={question.hash} /></dd>
          </div>
        )}
      </dl>
      {question.may_answer && question.hash != null ? (
        <div className={classes.answers}>
          <Button size="md" leftSection={<Check size={17} aria-hidden />} onClick={() => setAnswer('approve')}>{t('response.approve')}</Button>
          <Button size="md" variant="default" leftSection={<X size={17} aria-hidden />} onClick={() => setAnswer('refuse')}>{t('response.refuse')}</Button>
          {question.alone_ms != null && question.required > question.given.length + 1 && <Button size="md" variant="default" leftSection={<Siren size={17} aria-hidden />} onClick={() => setAnswer('approve-alone')}>{t('response.approveAlone')}</Button>}
        </div>
      ) : <p className={classes.notice}>{t('response.notYours')} {question.why_not != null && <Coded table="answerReasons" text={question.why_not} known={question.why_not_reason} />}</p>}
      {answer !== null && question.hash != null && <AnswerDialog run={run} question={question} hash={question.hash} answer={answer} title={title} onClose={() => setAnswer(null)} />}
    </article>
  )
}

function Expiry({ at }: { at: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow()
  const isOver = Date.parse(at) <= now
  return <p className={classes.expiry} data-over={isOver || undefined}>{isOver ? t('response.expired') : t('response.answerWithin', { time: relative(at, now, language) })}</p>
}

/** What a command does and how it ends; under it exactly what is carried out. */
export function Effect({ command, named = true }: { command: RunCommand; named?: boolean }) {
  const { t } = useTranslation()
  const bounds = useBounds()
  const length = useLength()
  const trials = useTrials()
  const headline = useCommandHeadline()
  const limits = command.radius == null ? [] : bounds(command.radius)
  return (
    <section className={classes.effect} aria-label={headline(command)}>
      {named && <h4>{headline(command)}</h4>}
      <dl className={classes.facts}>
        <div><dt>{t('response.where')}</dt><dd>{command.target ?? command.agent}</dd></div>
        <div><dt>{t('response.basis')}</dt><dd>{command.basis ?? t('response.noBasis')}{command.reference != null && <span className={classes.under}>{command.reference}</span>}</dd></div>
        <div><dt>{t('response.radius')}</dt><dd>{limits.length === 0 ? t('response.noBounds') : limits.map((text) => <span key={text} className={classes.each}>{text}</span>)}</dd></div>
        {command.rollout != null && <div><dt>{t('response.tried')}</dt><dd>{trials(command.rollout).map((text) => <span key={text} className={classes.each}>{text}</span>)}</dd></div>}
        <div><dt>{t('response.lasts')}</dt><dd>{command.stop_after_ms == null ? t('response.noEnd') : t('response.endsAfter', { time: length(command.stop_after_ms) })}</dd></div>
      </dl>
      <details open className={classes.exactly}>
        <summary>{t('response.exactly')}</summary>
        <pre className={classes.exact} tabIndex={0}>{[command.text, command.body == null ? null : readable(command.body)].filter((part) => part != null).join('\n\n')}</pre>
      </details>
      <details className={classes.exactly}>
        <summary>{command.inverse == null ? t('response.noInverse') : t('response.inverse')}</summary>
        {command.inverse == null ? <p>{t('response.noInverseHint')}</p> : <pre className={classes.exact} tabIndex={0}>{readable(command.inverse)}</pre>}
      </details>
    </section>
  )
}

/** The second of two clicks, and the passkey. What is agreed to is the hash that was shown when this opened, even if the page has changed since. */
function AnswerDialog({ run, question, hash, answer, title, onClose }: { run: Run; question: RunQuestion; hash: string; answer: Answer; title: string; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [shownHash] = useState(hash)
  const [reason, setReason] = useState('')
  const proving = useProving(
    async () => {
      const changed = await answerQuestion(run.summary.id, question.number, answer, shownHash, reason.trim() === '' ? null : reason.trim())
      client.setQueryData(['runs', 'one', run.summary.id], changed)
    },
    () => {
      say(t(answer === 'refuse' ? 'response.refused' : 'response.approved'))
      onClose()
      void client.invalidateQueries({ queryKey: ['runs'] })
      void client.invalidateQueries({ queryKey: ['lone'] })
    },
  )
  const length = useLength()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    proving.send()
  }
  if (proving.asks) return <Prove opened onClose={proving.reset} onProved={proving.send} />
  const agrees = answer !== 'refuse'
  const isReasoned = answer === 'approve'
  const isChanged = shownHash !== hash
  return (
    <Dialog opened onClose={onClose} title={t(agrees ? (isReasoned ? 'response.approveTitle' : 'response.approveAlone') : 'response.refuseTitle')}>
      <form className={classes.form} onSubmit={submit}>
        <p><strong>{title}</strong></p>
        <p className="quiet">{t(agrees ? 'response.approveHint' : 'response.refuseHint')}</p>
        {answer === 'approve-alone' && <p className={classes.notice}>{t('response.aloneHint', { time: length(question.alone_ms ?? 0) })}</p>}
        {isChanged && <p className={classes.notice} role="alert">{t('response.changed')}</p>}
        {agrees && <p className={classes.digest}><span>{t('response.hash')}</span> <code className={classes.hash}>{shownHash}</code></p>}
        <Textarea data-autofocus={!isReasoned || undefined} label={t(isReasoned ? 'response.reasonOptional' : 'response.reason')} required={!isReasoned} withAsterisk={false} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {proving.error instanceof OtherPerson ? <p className={classes.notice} role="alert">{t('response.otherPerson')}</p> : proving.error != null && <ErrorNote error={proving.error} />}
        <div className={classes.answers}>
          <Button size="md" type="submit" data-autofocus={isReasoned || undefined} {...(agrees ? { leftSection: <Check size={16} aria-hidden /> } : {})} loading={proving.isPending} disabled={isChanged || (!isReasoned && reason.trim() === '')}>{t(agrees ? 'response.approveNow' : 'response.refuseNow')}</Button>
          <Button size="md" variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

/** A question that is answered: who agreed, and that it counts no more. */
export function Answered({ question }: { question: RunQuestion }) {
  const { t } = useTranslation()
  const said = useSaid()
  const person = usePersonName()
  return (
    <>
      <strong>{question.step_name == null ? question.step : said(question.step_name)}</strong>
      <span>{t(`response.questionStates.${question.state}`, { defaultValue: question.state })}</span>
      <span>{t('response.givenOf', { count: question.given.length, required: question.required })}</span>
      {question.given.map((one) => <span key={`${one.organisation} ${one.at}`} className="quiet">{person(one)} <Both at={one.at} /></span>)}
    </>
  )
}
