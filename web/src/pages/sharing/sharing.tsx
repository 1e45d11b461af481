import { useTranslation } from 'react-i18next'
import { Navigate, useParams } from 'react-router'

import { useSession } from '../../api/session.ts'
import type { Operation } from '../../api/types.ts'
import { Page } from '../../components/page.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { Agreements } from '../agreements/list.tsx'
import { Anonymous } from './anonymous.tsx'
import { Contributions } from './contributions.tsx'
import { Groups } from './groups.tsx'
import { Inbox } from './inbox.tsx'
import { Questions } from './questions.tsx'
import { Recalls } from './recalls.tsx'
import { Released } from './released.tsx'
import { Requests } from './requests.tsx'
import { Widenings } from './widenings.tsx'

const PARTS: Record<string, { operations: Operation[]; Part: () => React.JSX.Element }> = {
  inbox: { operations: ['read', 'inspect'], Part: Inbox },
  requests: { operations: ['ask-release'], Part: Requests },
  widenings: { operations: ['widen-release'], Part: Widenings },
  recalls: { operations: ['read', 'see-releases'], Part: Recalls },
  agreements: { operations: ['read', 'inspect'], Part: Agreements },
  groups: { operations: ['read'], Part: Groups },
  questions: { operations: ['read'], Part: Questions },
  contributions: { operations: ['read'], Part: Contributions },
  released: { operations: ['read', 'see-releases'], Part: Released },
  anonymous: { operations: ['submit-anonymously', 'open-seals'], Part: Anonymous },
}

/** What was shared with whom, what is asked of us and of others, and what came back. */
export default function SharingPage() {
  const { t } = useTranslation()
  const { part = '' } = useParams()
  const { may } = useSession()
  const open = Object.entries(PARTS).filter(([, { operations }]) => operations.some((operation) => may.includes(operation)))
  const current = open.find(([name]) => name === part)
  const first = open[0]
  if (!current) return first ? <Navigate to={`/sharing/${first[0]}`} replace /> : <Navigate to="/" replace />
  const { Part } = current[1]
  return (
    <Page title={t(`sharing.${current[0]}`)} above={t('places.sharing')}>
      <Tabs name={t('places.sharing')} current={current[0]} parts={open.map(([name]) => ({ to: `/sharing/${name}`, label: t(`sharing.${name}`) }))} />
      <Part />
    </Page>
  )
}
