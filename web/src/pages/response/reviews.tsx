import { Button, SegmentedControl, Textarea } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { reviewLone, useLone, type LoneApproval } from '../../api/response.ts'
import { useMay } from '../../api/session.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { Mark } from './mark.tsx'
import { useProving } from './proving.ts'
import { usePersonName } from './question.tsx'
import classes from './response.module.css'
import type { Tone } from './standing.ts'

const TONES: Record<string, Tone> = { waits: 'warn', overdue: 'bad', justified: 'good', unjustified: 'bad' }

/** What one person approved alone: each stays open until somebody of another organisation has said what it was. */
export function Reviews() {
  const { t } = useTranslation()
  const lone = useLone()
  const [reviewing, setReviewing] = useState<LoneApproval | null>(null)
  if (lone.error && !lone.data) return <ErrorNote error={lone.error} retry={() => void lone.refetch()} />
  if (!lone.data) return <Waiting lines={6} />
  const all = lone.data.approvals
  return (
    <>
      {all.length === 0 && <Empty title={t('response.noReviews')}>{t('response.noReviewsHint')}</Empty>}
      <ul className={classes.list}>{all.map((one) => <li key={one.id}><Lone lone={one} onReview={setReviewing} /></li>)}</ul>
      {reviewing && <Review lone={reviewing} onClose={() => setReviewing(null)} />}
    </>
  )
}

function Lone({ lone, onReview }: { lone: LoneApproval; onReview: (lone: LoneApproval) => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const person = usePersonName()
  const seesRuns = useMay('read-runs')
  return (
    <article className={classes.order} data-tone={TONES[lone.state] ?? 'off'}>
      <div className={classes.head}>
        <Mark tone={TONES[lone.state] ?? 'off'} word={t(`response.reviewStates.${lone.state}`, { defaultValue: lone.state })} />
        <h2>{lone.reason}</h2>
        {lone.may_review && <Button className={classes.undo ?? ''} size="xs" variant="default" onClick={() => onReview(lone)}>{t('response.review')}</Button>}
      </div>
      <dl className={classes.row}>
        <div><dt>{t('response.approvedAlone')}</dt><dd>{person(lone.approved_by)}<span className={classes.under}><Both at={lone.approved_by.at} /></span></dd></div>
        <div><dt>{t('response.requestedBy')}</dt><dd>{inLanguage(lone.requested_by, language)}</dd></div>
        <div><dt>{t('response.theRun')}</dt><dd>{seesRuns ? <Link className="text-link" to={`/response/runs/${lone.run}`}>{lone.run}</Link> : <span className="mono">{lone.run}</span>}</dd></div>
        {lone.reviewed_by == null
          ? <div><dt>{t('response.reviewDue')}</dt><dd><Ago at={lone.review_due} /></dd></div>
          : <div><dt>{t('response.reviewedBy')}</dt><dd>{person(lone.reviewed_by)}<span className={classes.under}><Both at={lone.reviewed_by.at} /></span></dd></div>}
      </dl>
      {lone.finding != null && <p className={classes.why}>{lone.finding}</p>}
    </article>
  )
}

function Review({ lone, onClose }: { lone: LoneApproval; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [justified, setJustified] = useState('true')
  const [finding, setFinding] = useState('')
  const proving = useProving(
    () => reviewLone(lone.id, justified === 'true', finding.trim()),
    () => {
      say(t('response.reviewed'))
      onClose()
      void client.invalidateQueries({ queryKey: ['lone'] })
    },
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    proving.send()
  }
  if (proving.asks) return <Prove opened onClose={proving.reset} onProved={proving.send} />
  return (
    <Dialog opened onClose={onClose} title={t('response.review')}>
      <form className={classes.form} onSubmit={submit}>
        <p><strong>{lone.reason}</strong></p>
        <SegmentedControl aria-label={t('response.review')} value={justified} onChange={setJustified} data={[{ value: 'true', label: t('response.reviewStates.justified') }, { value: 'false', label: t('response.reviewStates.unjustified') }]} />
        <Textarea data-autofocus label={t('response.finding')} required withAsterisk={false} autosize minRows={2} maxLength={300} value={finding} onChange={(event) => setFinding(event.currentTarget.value)} />
        {proving.error != null && <ErrorNote error={proving.error} />}
        <div className={classes.answers}>
          <Button type="submit" loading={proving.isPending} disabled={finding.trim() === ''}>{t('response.closeReview')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}
