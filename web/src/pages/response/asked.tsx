import { Button, Textarea } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Check, X } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { answerAsked, useAsked, type AskedOrder } from '../../api/response.ts'
import { Copy } from '../../components/copy.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { Mark } from './mark.tsx'
import { OtherPerson, useProving } from './proving.ts'
import { usePersonName } from './question.tsx'
import classes from './response.module.css'
import type { Tone } from './standing.ts'
import { useGateReason, useHeadline } from './words.ts'

type Answer = 'approve' | 'refuse'

const TONES: Record<string, Tone> = { waiting: 'warn', ordered: 'good', refused: 'bad', withdrawn: 'off', over: 'off' }

/** What other hubs ask to be ordered of edges here: those that wait for an answer first. */
export function Asked() {
  const { t } = useTranslation()
  const asked = useAsked()
  if (asked.error && !asked.data) return <ErrorNote error={asked.error} retry={() => void asked.refetch()} />
  if (!asked.data) return <Waiting lines={6} />
  const all = asked.data.pages.flatMap((page) => page.orders).toSorted((one, other) => Number(other.state === 'waiting') - Number(one.state === 'waiting'))
  const required = asked.data.pages[0]?.required ?? 0
  return (
    <>
      {all.length === 0 && <Empty title={t('response.noRequests')}>{t('response.noRequestsHint')}</Empty>}
      <ul className={classes.list}>{all.map((one) => <li key={one.id}><Request asked={one} required={required} /></li>)}</ul>
      {asked.hasNextPage && <Button variant="default" loading={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>{t('response.more')}</Button>}
    </>
  )
}

function Request({ asked, required }: { asked: AskedOrder; required: number }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const headline = useHeadline()
  const reason = useGateReason()
  const person = usePersonName()
  const organisation = useOrganisationName()
  const [answer, setAnswer] = useState<Answer | null>(null)
  const { about } = asked
  const title = headline(asked.command, asked.id)
  const hub = about.hubs == null ? asked.peer : inLanguage(about.hubs.asking, language)
  return (
    <article className={classes.order} data-tone={TONES[asked.state] ?? 'off'} aria-label={title}>
      <div className={classes.head}>
        <Mark tone={TONES[asked.state] ?? 'off'} word={t(`response.requestStates.${asked.state}`, { defaultValue: asked.state })} />
        <h2>{title}</h2>
        {about.undoes != null && <span className="quiet">{t('response.undoes')}</span>}
      </div>
      <dl className={classes.row}>
        <div><dt>{t('response.askingHub')}</dt><dd>{hub}<span className={classes.under}>{inLanguage(about.requested_by.organisation, language)}</span></dd></div>
        <div><dt>{t('response.where')}</dt><dd>{asked.edge ?? '–'}{asked.organisation != null && <span className={classes.under}>{inLanguage(organisation(asked.organisation), language)}</span>}</dd></div>
        <div><dt>{t('response.basis')}</dt><dd>{about.basis ?? t('response.noBasis')}{about.reference != null && <span className={classes.under}>{about.reference}</span>}</dd></div>
        <div><dt>{t('response.ends')}</dt><dd>{asked.stops == null ? t('response.noEnd') : <Ago at={asked.stops} />}</dd></div>
        <div><dt>{t('response.askedUnder')}</dt><dd>{asked.agreement ?? '–'}</dd></div>
      </dl>
      {asked.why != null && <p className={classes.why}>{reason(asked.why, asked.why_reason)}</p>}
      <dl className={classes.agreed}>
        <div>
          <dt>{t('response.approvals')}</dt>
          <dd>
            <strong>{t('response.givenOf', { count: asked.given.length, required })}</strong>
            {asked.given.map((one) => <span key={`${one.organisation} ${one.at}`} className={classes.each}>{person(one)} · <Ago at={one.at} /></span>)}
            {about.approved_by.map((one) => <span key={`${one.organisation} ${one.at}`} className={classes.under}>{t('response.approvedThere', { name: inLanguage(one.organisation, language) })}</span>)}
          </dd>
        </div>
        <div><dt>{t('response.hash')}</dt><dd><code className={classes.hash}>{asked.hash}</code> <Copy text={asked.hash} /></dd></div>
      </dl>
      <details className={classes.exactly}>
        <summary>{t('response.exactly')}</summary>
        <p className="quiet"><Both at={asked.asked} /></p>
        <pre className={classes.exact} tabIndex={0}>{JSON.stringify(asked.command, null, 2)}</pre>
        <pre className={classes.exact} tabIndex={0}>{asked.note}</pre>
      </details>
      {asked.may_answer && (
        <div className={classes.answers}>
          <Button size="md" leftSection={<Check size={17} aria-hidden />} onClick={() => setAnswer('approve')}>{t('response.approve')}</Button>
          <Button size="md" variant="default" leftSection={<X size={17} aria-hidden />} onClick={() => setAnswer('refuse')}>{t('response.refuse')}</Button>
        </div>
      )}
      {answer !== null && <AnswerRequest asked={asked} answer={answer} title={title} onClose={() => setAnswer(null)} />}
    </article>
  )
}

/** The second of two clicks, and the passkey. What is agreed to is the hash that was shown when this opened. */
function AnswerRequest({ asked, answer, title, onClose }: { asked: AskedOrder; answer: Answer; title: string; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [shownHash] = useState(asked.hash)
  const [reason, setReason] = useState('')
  const proving = useProving(
    () => answerAsked(asked.id, answer, shownHash, reason.trim() === '' ? null : reason.trim()),
    () => {
      say(t(answer === 'approve' ? 'response.approved' : 'response.refused'))
      onClose()
      void client.invalidateQueries({ queryKey: ['asked'] })
      void client.invalidateQueries({ queryKey: ['orders'] })
    },
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    proving.send()
  }
  if (proving.asks) return <Prove opened onClose={proving.reset} onProved={proving.send} />
  return (
    <Dialog opened onClose={onClose} title={t(answer === 'approve' ? 'response.approveTitle' : 'response.refuseTitle')}>
      <form className={classes.form} onSubmit={submit}>
        <p><strong>{title}</strong><span className={classes.under}>{asked.edge}</span></p>
        <p className="quiet">{t(answer === 'approve' ? 'response.requestApproveHint' : 'response.requestRefuseHint')}</p>
        <Textarea data-autofocus label={t(answer === 'approve' ? 'response.reasonOptional' : 'response.reason')} required={answer === 'refuse'} withAsterisk={false} autosize minRows={2} maxLength={300} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {proving.error instanceof OtherPerson ? <p className={classes.notice} role="alert">{t('response.otherPerson')}</p> : proving.error != null && <ErrorNote error={proving.error} />}
        <div className={classes.answers}>
          <Button size="md" type="submit" loading={proving.isPending} disabled={answer === 'refuse' && reason.trim() === ''}>{t(answer === 'approve' ? 'response.approveNow' : 'response.refuseNow')}</Button>
          <Button size="md" variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}
