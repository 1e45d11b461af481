import { useTranslation } from 'react-i18next'
import { Navigate, useParams } from 'react-router'

import { useSession } from '../../api/session.ts'
import type { Operation } from '../../api/types.ts'
import { Page } from '../../components/page.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { Released } from '../sharing/released.tsx'
import { Authorisations } from './authorisations.tsx'
import { CommissionPart } from './commission.tsx'
import { Left } from './left.tsx'
import classes from './oversight.module.css'
import { Receipts } from './receipts.tsx'
import { StatisticsPart } from './statistics.tsx'
import { useBase } from './words.ts'

interface PartOf {
  operations: Operation[]
  Part: () => React.JSX.Element
}

/** What is looked at, by whose authority, with what yield: for the commission all of it, for who asks its own. */
const OVERSIGHT: Record<string, PartOf> = {
  authorisations: { operations: ['see-authorisations'], Part: Authorisations },
  receipts: { operations: ['decide-authorisation'], Part: Receipts },
  disclosures: { operations: ['decide-authorisation'], Part: Released },
  statistics: { operations: ['read', 'inspect', 'constitute-commission'], Part: StatisticsPart },
  commission: { operations: ['read', 'inspect', 'constitute-commission'], Part: CommissionPart },
}

/** What was asked of an operator, and what left its network. */
const ASKED: Record<string, PartOf> = {
  authorisations: { operations: ['see-authorisations'], Part: Authorisations },
  receipts: { operations: ['see-authorisations'], Part: Receipts },
  left: { operations: ['see-edges'], Part: Left },
  statistics: { operations: ['read'], Part: StatisticsPart },
  commission: { operations: ['read'], Part: CommissionPart },
}

export default function OversightPage() {
  const { t } = useTranslation()
  const base = useBase()
  const { part = '' } = useParams()
  const { may, organisation } = useSession()
  const isOperator = organisation.role === 'operator'
  const parts = Object.entries(isOperator ? ASKED : OVERSIGHT).filter(([, { operations }]) => operations.some((operation) => may.includes(operation)))
  const current = parts.find(([name]) => name === part)
  const first = parts[0]
  if (!current) return <Navigate to={first ? `${base}/${first[0]}` : '/'} replace />
  const { Part } = current[1]
  const group = isOperator ? 'asked' : 'parts'
  const place = t(isOperator ? 'places.asked' : may.includes('request-authorisation') ? 'places.authorisations' : 'places.oversight')
  const title = isOperator && current[0] === 'authorisations' ? t('oversight.askedTitle') : t(`oversight.${group}.${current[0]}`)
  return (
    <Page title={title} {...(title === place ? {} : { above: place })}>
      <Tabs name={place} current={current[0]} parts={parts.map(([name]) => ({ to: `${base}/${name}`, label: t(`oversight.${group}.${name}`) }))} />
      {isOperator && current[0] === 'authorisations' && <p className={classes.intro}>{t('oversight.askedIntro')}</p>}
      <Part />
    </Page>
  )
}
