import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { seen, useNotices, type Notice } from '../../api/sharing.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useBase } from '../oversight/words.ts'
import classes from './sharing.module.css'

const PART: Record<string, string> = { recall: 'recalls', 'release-request': 'requests', 'release-answer': 'requests', question: 'questions', answer: 'questions', 'widening-proposed': 'widenings' }

/** What the organisation was told, newest first. */
export function Inbox() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const notices = useNotices()
  const mark = useMutation({ mutationFn: seen, onSuccess: () => client.invalidateQueries({ queryKey: ['notices'] }) })
  if (notices.error) return <ErrorNote error={notices.error} retry={() => void notices.refetch()} />
  if (!notices.data) return <Waiting />
  const newest = notices.data.notices[0]
  if (!newest) return <Empty title={t('sharing.noNotices')}>{t('sharing.noNoticesHint')}</Empty>
  return (
    <>
      <div className={classes.bar}>
        <span><Count count={notices.data.notices.length} updated={notices.dataUpdatedAt} /> · {t('sharing.unseen', { count: notices.data.unseen })}</span>
        {notices.data.unseen > 0 && <Button size="xs" variant="default" onClick={() => mark.mutate(newest.at)}>{t('sharing.markSeen')}</Button>}
      </div>
      <ol className={classes.list}>{notices.data.notices.map((notice) => <li key={notice.id} className={classes.item}><Row notice={notice} /></li>)}</ol>
    </>
  )
}

function Row({ notice }: { notice: Notice }) {
  const { t } = useTranslation()
  const base = useBase()
  const part = PART[notice.kind]
  const to = /^(?:commission|frame)-/u.test(notice.kind) ? `${base}/commission` : notice.kind.startsWith('authorisation-') ? `${base}/authorisations/${notice.subject}` : notice.kind === 'recovery-asked' ? '/administration/people' : notice.kind === 'qualification-asked' ? '/administration/clearances' : notice.kind.startsWith('emergency-') ? '/administration/emergencies' : notice.kind === 'batches-missing' ? '/administration/peers' : notice.kind.startsWith('agreement-') ? `/sharing/agreements/${notice.subject}` : notice.kind.startsWith('room-') ? `/cases/${notice.subject}/room` : notice.kind.startsWith('evidence-') ? `/cases/${notice.object}/evidence` : notice.kind.startsWith('report-') ? `/reports/${notice.subject}` : notice.kind.startsWith('run-') ? `/response/runs/${notice.subject}` : part ? `/sharing/${part}` : `/intelligence/${notice.subject}`
  return (
    <>
      <div className={classes.head}>
        <Link className="text-link" to={to}>{notice.seen ? t(`notices.${notice.kind}`) : <strong>{t(`notices.${notice.kind}`)}</strong>}</Link>
        <span className="quiet"><Ago at={notice.at} /></span>
        {!notice.seen && <span className={classes.due}>{t('sharing.new')}</span>}
      </div>
      <p className={classes.text}>{notice.text}</p>
    </>
  )
}
