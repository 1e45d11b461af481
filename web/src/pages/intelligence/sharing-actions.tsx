import { Menu } from '@mantine/core'
import { HandHelping, Scale, Tag, Undo2 } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { useSession } from '../../api/session.ts'
import { useObjectReleases, useRecalls } from '../../api/sharing.ts'
import type { ObjectDetail } from '../../api/types.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { JudgeDialog, MarkingDialog, RecallDialog, RequestDialog } from '../sharing/dialogs.tsx'
import { RecallRow } from '../sharing/recalls.tsx'
import { ReleaseTable } from '../sharing/released.tsx'

type Act = 'request' | 'judge' | 'marking' | 'recall'

/** What one can do about who sees an object: lines of a menu, and the dialogs that they open, which stand outside of it. */
export function useSharingActs(detail: ObjectDetail): { lines: ReactNode; dialogs: ReactNode } {
  const { t } = useTranslation()
  const { may, organisation } = useSession()
  const [act, setAct] = useState<Act | null>(null)
  const { id, originator, marking } = detail.summary
  const own = originator === organisation.id
  const mayRecall = may.includes('restrict-release') && (own || organisation.role === 'coordinator')
  const releases = useObjectReleases(id, act === 'recall')
  const givenTo = releases.data && new Set(releases.data.rows.map((row) => row.recipient)).size
  const close = () => setAct(null)
  const line = (name: Act, icon: ReactNode, text: string) => <Menu.Item leftSection={icon} onClick={() => setAct(name)}>{text}</Menu.Item>
  const lines = (
    <>
      {!own && may.includes('ask-release') && line('request', <HandHelping size={15} />, t('sharing.requestRelease'))}
      {!own && may.includes('ask-questions') && line('judge', <Scale size={15} />, t('sharing.judge'))}
      {own && (may.includes('widen-release') || may.includes('restrict-release')) && line('marking', <Tag size={15} />, t('sharing.changeMarking'))}
      {mayRecall && line('recall', <Undo2 size={15} />, t('sharing.recall'))}
    </>
  )
  const dialogs = (
    <>
      {act === 'request' && <RequestDialog object={id} opened onClose={close} />}
      {act === 'judge' && <JudgeDialog object={id} opened onClose={close} />}
      {act === 'marking' && <MarkingDialog object={id} opened onClose={close} now={marking.tlp ?? undefined} />}
      {act === 'recall' && <RecallDialog object={id} opened onClose={close} givenTo={givenTo} />}
    </>
  )
  return { lines, dialogs }
}

/** Who was given an object, and what was recalled of it. */
export function GivenTo({ id }: { id: string }) {
  const { t } = useTranslation()
  const releases = useObjectReleases(id, true)
  const recalls = useRecalls(id)
  if (releases.error) return <ErrorNote error={releases.error} retry={() => void releases.refetch()} />
  if (!releases.data) return <Waiting />
  return (
    <>
      {releases.data.rows.length === 0 ? <p className="quiet">{t('sharing.notGiven')}</p> : <ReleaseTable rows={releases.data.rows} />}
      {recalls.data && recalls.data.recalls.length > 0 && (
        <Section title={t('sharing.recallsOf')}>{recalls.data.recalls.map((recall) => <RecallRow key={recall.id} recall={recall} />)}</Section>
      )}
    </>
  )
}
