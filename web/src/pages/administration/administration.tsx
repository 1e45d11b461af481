import { useTranslation } from 'react-i18next'
import { Navigate, useParams } from 'react-router'

import { useSession } from '../../api/session.ts'
import { Page } from '../../components/page.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { Policies } from '../policies/policies.tsx'
import { Audit } from './audit.tsx'
import { Clearances } from './clearances.tsx'
import { Emergencies } from './emergencies.tsx'
import { Endings } from './endings.tsx'
import { Organisations } from './organisations.tsx'
import { Peers } from './peers.tsx'
import { People } from './people.tsx'
import { Providers } from './providers.tsx'
import { Tokens } from './tokens.tsx'

const PARTS = {
  organisations: { operation: 'administer', Part: Organisations },
  people: { operation: 'administer', Part: People },
  clearances: { operation: 'qualify-people', Part: Clearances },
  providers: { operation: 'administer', Part: Providers },
  peers: { operation: 'administer', Part: Peers },
  policies: { operation: 'administer', Part: Policies },
  tokens: { operation: 'administer', Part: Tokens },
  emergencies: { operation: 'raise-emergency', or: 'review-emergencies', Part: Emergencies },
  audit: { operation: 'inspect', Part: Audit },
} as const

/** Who is in the council, who may sign in, which programs may, and what was done. */
export default function AdministrationPage() {
  const { t } = useTranslation()
  const { part = '' } = useParams()
  const { may } = useSession()
  const open = Object.entries(PARTS).filter(([, part]) => may.includes(part.operation) || ('or' in part && may.includes(part.or)))
  const current = open.find(([name]) => name === part)
  const first = open[0]
  if (!current) return first ? <Navigate to={`/administration/${first[0]}`} replace /> : <Navigate to="/" replace />
  const { Part } = current[1]
  return (
    <Page title={t(`administration.${current[0]}`)} above={t('places.administration')}>
      <Tabs name={t('places.administration')} current={current[0]} parts={open.map(([name]) => ({ to: `/administration/${name}`, label: t(`administration.${name}`) }))} />
      {(may.includes('administer') || may.includes('qualify-people')) && <Endings />}
      <Part />
    </Page>
  )
}
