import { useTranslation } from 'react-i18next'
import { Navigate, useParams } from 'react-router'

import { useSession } from '../../api/session.ts'
import type { Operation } from '../../api/types.ts'
import { Page } from '../../components/page.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { Approvals } from './approvals.tsx'
import { Asked } from './asked.tsx'
import { Orders } from './orders.tsx'
import { Outreach } from './outreach.tsx'
import { Playbooks } from './playbooks.tsx'
import { Reviews } from './reviews.tsx'
import { Runs } from './runs.tsx'

interface PartOf {
  /** Who may do one of these sees it. */
  operations: Operation[]
  Part: () => React.JSX.Element | null
}

const PARTS: Record<string, PartOf> = {
  approvals: { operations: ['read-runs'], Part: Approvals },
  runs: { operations: ['read-runs'], Part: Runs },
  requests: { operations: ['read-runs'], Part: Asked },
  orders: { operations: ['read-runs'], Part: Orders },
  outreach: { operations: ['read-runs'], Part: Outreach },
  playbooks: { operations: ['read-runs'], Part: Playbooks },
  reviews: { operations: ['read-runs', 'review-emergencies'], Part: Reviews },
}

/** Answering together: what waits for a decision, what runs, what is ordered, and what could be run. */
export default function ResponsePage() {
  const { t } = useTranslation()
  const { part = '' } = useParams()
  const { may } = useSession()
  const parts = Object.entries(PARTS).filter(([, { operations }]) => operations.some((one) => may.includes(one)))
  const current = parts.find(([name]) => name === part)
  const first = parts[0]
  if (!current) return <Navigate to={first ? `/response/${first[0]}` : '/'} replace />
  const { Part } = current[1]
  return (
    <Page title={t(`response.parts.${current[0]}`)} above={t('places.response')}>
      <Tabs name={t('places.response')} current={current[0]} parts={parts.map(([name]) => ({ to: `/response/${name}`, label: t(`response.parts.${name}`) }))} />
      <Part />
    </Page>
  )
}
