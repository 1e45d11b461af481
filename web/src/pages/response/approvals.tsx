import { ActionIcon } from '@mantine/core'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useOpenRuns, useRunsWhole, type Run, type RunQuestion } from '../../api/response.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { QuestionCard } from './question.tsx'
import classes from './response.module.css'

/** Runs of which the questions are fetched at once; the rest come when these are answered. */
const RUNS_MAX = 20

interface Asked {
  run: Run
  question: RunQuestion
}

/** What waits for a yes or no, one question at a time: made for a phone in one hand. Those that the reader may answer come first, the most urgent before the rest. */
export function Approvals() {
  const { t } = useTranslation()
  const [place, setPlace] = useState(0)
  const open = useOpenRuns()
  const waiting = (open.data?.runs ?? []).filter(({ questions }) => questions > 0).slice(0, RUNS_MAX)
  const runs = useRunsWhole(waiting.map(({ id }) => id))
  if (open.error && !open.data) return <ErrorNote error={open.error} retry={() => void open.refetch()} />
  if (!open.data || runs.some(({ isPending }) => isPending)) return <Waiting lines={6} />
  const asked: Asked[] = runs.flatMap(({ data: run }) => (run ? run.questions.filter(({ state }) => state === 'open').map((question) => ({ run, question })) : []))
    .toSorted((one, other) => Number(other.question.may_answer) - Number(one.question.may_answer) || one.question.expires.localeCompare(other.question.expires))
  const current = asked[Math.min(place, asked.length - 1)]
  if (!current) return <Empty title={t('response.noQuestions')} action={<Link className="text-link" to="/response/runs">{t('response.parts.runs')}</Link>}>{t('response.noQuestionsHint')}</Empty>
  const at = asked.indexOf(current)
  return (
    <div className={classes.approvals}>
      {asked.length > 1 && (
        <nav className={classes.pager} aria-label={t('response.questions')}>
          <ActionIcon variant="default" size={44} disabled={at === 0} aria-label={t('response.previous')} onClick={() => setPlace(at - 1)}><ChevronLeft size={20} /></ActionIcon>
          <span aria-live="polite">{t('response.placeOf', { place: at + 1, count: asked.length })}</span>
          <ActionIcon variant="default" size={44} disabled={at === asked.length - 1} aria-label={t('response.following')} onClick={() => setPlace(at + 1)}><ChevronRight size={20} /></ActionIcon>
        </nav>
      )}
      <QuestionCard key={`${current.run.summary.id} ${current.question.number}`} run={current.run} question={current.question} level="h2" />
    </div>
  )
}
