import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useRuns, type RunSummary } from '../../api/response.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { Mark } from './mark.tsx'
import { usePersonName } from './question.tsx'
import classes from './response.module.css'
import { runTone } from './standing.ts'
import { useGateReason, useSaid } from './words.ts'

/** What is being carried out and what was, the newest first. */
export function Runs() {
  const { t } = useTranslation()
  const runs = useRuns()
  if (runs.error && !runs.data) return <ErrorNote error={runs.error} retry={() => void runs.refetch()} />
  if (!runs.data) return <Waiting lines={6} />
  const all = runs.data.pages.flatMap((page) => page.runs)
  if (all.length === 0) return <Empty title={t('response.noRuns')} action={<Link className="text-link" to="/response/playbooks">{t('response.parts.playbooks')}</Link>}>{t('response.noRunsHint')}</Empty>
  return (
    <>
      <div className={classes.bar}><Count count={all.length} updated={runs.dataUpdatedAt} more={runs.hasNextPage} /></div>
      <RunRows runs={all} />
      {runs.hasNextPage && <Button variant="default" loading={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>{t('response.more')}</Button>}
    </>
  )
}

/** Runs as lines, each with what it waits for. */
export function RunRows({ runs }: { runs: RunSummary[] }) {
  const { t } = useTranslation()
  const said = useSaid()
  const reason = useGateReason()
  const person = usePersonName()
  return (
    <ul className={classes.list}>
      {runs.map((run) => (
        <li key={run.id} className={classes.item}>
          <Link className="text-link" to={`/response/runs/${run.id}`}><strong>{said(run.name)}</strong></Link>
          <Mark tone={runTone(run.state)} word={t(`response.states.${run.state}`)} />
          {run.questions > 0 && <span className={classes.waits}>{t('response.openQuestions', { count: run.questions })}</span>}
          {run.tasks > 0 && <span className={classes.waits}>{t('response.openTasks', { count: run.tasks })}</span>}
          {run.unknown > 0 && <span className={classes.waits}>{t('response.openUnknown', { count: run.unknown })}</span>}
          <span className="quiet">{person(run.requested_by)}</span>
          <span className="quiet"><Ago at={run.started} /></span>
          {run.why != null && run.state === 'failed' && <span className={classes.under}>{reason(run.why, run.why_reason)}</span>}
        </li>
      ))}
    </ul>
  )
}
