import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useAgreements } from '../api/agreements.ts'
import { useAuthorisations } from '../api/oversight.ts'
import { useReportDuties } from '../api/reports.ts'
import { useAsked, useLone, useOpenRuns } from '../api/response.ts'
import { useSession } from '../api/session.ts'
import { usePendingRecalls, useRequests } from '../api/sharing.ts'
import { useNow } from '../input/now.ts'
import { waitsFor } from '../pages/agreements/standing.ts'
import { useOwnMembership } from '../pages/oversight/membership.ts'
import { awaits } from '../pages/oversight/standing.ts'
import { isPressing } from '../pages/reports/clocks.ts'
import classes from './duties.module.css'

interface Duty {
  name: 'recalls' | 'requests' | 'agreements' | 'reports' | 'approvals' | 'asked' | 'tasks' | 'reviews'
  /** The place of the rail that it is counted at. */
  place: 'sharing' | 'reports' | 'response'
  path: string
  count: number
  overdue: number
}

/** What waits for the reader's organisation beside cases: recalls to acknowledge, requests to answer, agreements to sign, reports that are owed, actions to approve, orders that other hubs ask for, steps to do and approvals to review. */
export function useDuties(): Duty[] {
  const { may, organisation } = useSession()
  const now = useNow(30_000)
  const asks = may.includes('ask-release')
  const requests = useRequests(asks).data?.requests ?? []
  const recalls = usePendingRecalls(asks).data?.recalls ?? []
  const agreements = useAgreements(may.includes('agree')).data?.agreements ?? []
  const clocks = useReportDuties(may.includes('write-reports')).data?.duties.filter(isPressing) ?? []
  const runs = useOpenRuns(may.includes('read-runs')).data?.runs ?? []
  const asked = useAsked(may.includes('read-runs') && may.includes('approve-actions')).data?.pages.flatMap(({ orders }) => orders) ?? []
  const lone = useLone(may.includes('review-emergencies')).data?.approvals.filter((one) => one.may_review) ?? []
  const sum = (what: 'questions' | 'tasks') => runs.reduce((all, run) => all + run[what], 0)
  const duties: Duty[] = [
    { name: 'approvals', place: 'response', path: '/response/approvals', count: may.includes('approve-actions') ? sum('questions') : 0, overdue: 0 },
    { name: 'asked', place: 'response', path: '/response/requests', count: asked.filter((one) => one.may_answer).length, overdue: 0 },
    { name: 'tasks', place: 'response', path: '/response/runs', count: may.includes('run-playbooks') ? sum('tasks') : 0, overdue: 0 },
    { name: 'reviews', place: 'response', path: '/response/reviews', count: lone.length, overdue: lone.filter((one) => one.state === 'overdue').length },
    { name: 'recalls', place: 'sharing', path: '/sharing/recalls', count: recalls.length, overdue: recalls.filter((recall) => Date.parse(recall.deadline) < now).length },
    { name: 'requests', place: 'sharing', path: '/sharing/requests', count: requests.filter((request) => request.to_answer).length, overdue: 0 },
    { name: 'agreements', place: 'sharing', path: '/sharing/agreements', count: agreements.filter((one) => waitsFor(one, organisation.id, now)).length, overdue: 0 },
    { name: 'reports', place: 'reports', path: '/reports', count: clocks.length, overdue: clocks.filter((one) => one.state === 'overdue').length },
  ]
  return duties.filter(({ count }) => count > 0)
}

/** How many decisions wait for the reader as a commissioner. */
export function useAwaiting(): number {
  const { may } = useSession()
  const now = useNow(30_000)
  const own = useOwnMembership()
  const pages = useAuthorisations(may.includes('decide-authorisation')).data?.pages ?? []
  return pages.flatMap((page) => page.authorisations).filter((one) => awaits(one, own, now)).length
}

/** They as lines, each leading to where it is done. */
export function Duties({ duties }: { duties: Duty[] }) {
  const { t } = useTranslation()
  if (duties.length === 0) return null
  return (
    <ul className={classes.list}>
      {duties.map(({ name, path, count, overdue }) => (
        <li key={name}>
          <Link to={path} className={classes.row} data-row>
            <span className={classes.count}>{count}</span>
            <span>{t(`duties.${name}`, { count })}</span>
            {overdue > 0 && <strong className={classes.overdue}>{t('sharing.overdue', { count: overdue })}</strong>}
          </Link>
        </li>
      ))}
    </ul>
  )
}
