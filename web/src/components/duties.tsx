import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useAgreements } from '../api/agreements.ts'
import { useSession } from '../api/session.ts'
import { usePendingRecalls, useRequests } from '../api/sharing.ts'
import { useNow } from '../input/now.ts'
import { waitsFor } from '../pages/agreements/standing.ts'
import classes from './duties.module.css'

interface Duty {
  name: 'recalls' | 'requests' | 'agreements'
  count: number
  overdue: number
}

/** What waits for the reader's organisation beside cases: recalls to acknowledge, requests to answer, agreements to sign. */
export function useDuties(): Duty[] {
  const { may, organisation } = useSession()
  const now = useNow(30_000)
  const asks = may.includes('ask-release')
  const requests = useRequests(asks).data?.requests ?? []
  const recalls = usePendingRecalls(asks).data?.recalls ?? []
  const agreements = useAgreements(may.includes('agree')).data?.agreements ?? []
  const duties: Duty[] = [
    { name: 'recalls', count: recalls.length, overdue: recalls.filter((recall) => Date.parse(recall.deadline) < now).length },
    { name: 'requests', count: requests.filter((request) => request.to_answer).length, overdue: 0 },
    { name: 'agreements', count: agreements.filter((one) => waitsFor(one, organisation.id, now)).length, overdue: 0 },
  ]
  return duties.filter(({ count }) => count > 0)
}

/** They as lines, each leading to where it is done. */
export function Duties({ duties }: { duties: Duty[] }) {
  const { t } = useTranslation()
  if (duties.length === 0) return null
  return (
    <ul className={classes.list}>
      {duties.map(({ name, count, overdue }) => (
        <li key={name}>
          <Link to={`/sharing/${name}`} className={classes.row} data-row>
            <span className={classes.count}>{count}</span>
            <span>{t(`duties.${name}`, { count })}</span>
            {overdue > 0 && <strong className={classes.overdue}>{t('sharing.overdue', { count: overdue })}</strong>}
          </Link>
        </li>
      ))}
    </ul>
  )
}
