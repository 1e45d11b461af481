import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'

import { useSession } from '../../api/session.ts'
import { acknowledge, useRecalls, type Recall } from '../../api/sharing.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useObjectName } from '../../components/object-name.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import classes from './sharing.module.css'

/** What was recalled, who has acknowledged it, who is late. */
export function Recalls() {
  const { t } = useTranslation()
  const recalls = useRecalls()
  if (recalls.error) return <ErrorNote error={recalls.error} retry={() => void recalls.refetch()} />
  if (!recalls.data) return <Waiting />
  const all = recalls.data.recalls
  if (all.length === 0) return <Empty title={t('sharing.noRecalls')}>{t('sharing.noRecallsHint')}</Empty>
  return (
    <>
      <div className={classes.bar}><span><Count count={all.length} updated={recalls.dataUpdatedAt} /> · {t('sharing.overdue', { count: all.filter((recall) => recall.overdue).length })}</span></div>
      <ol className={classes.list}>{all.map((recall) => <li key={recall.id} className={classes.item}><RecallRow recall={recall} /></li>)}</ol>
    </>
  )
}

export function RecallRow({ recall }: { recall: Recall }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const objectName = useObjectName()
  const client = useQueryClient()
  const { may } = useSession()
  const { say } = useToasts()
  const done = useMutation({
    mutationFn: () => acknowledge(recall.id),
    onSuccess: async () => {
      say(t('sharing.acknowledged'))
      await client.invalidateQueries({ queryKey: ['recalls'] })
    },
  })
  return (
    <>
      <div className={classes.head}>
        <strong>{objectName(recall.object, recall.name)}</strong>
        {recall.overdue && <span className={classes.due}>{t('sharing.isOverdue')}</span>}
        <span>{t('sharing.recalledBy', { name: name(recall.issuer) })}</span>
        <span className="quiet"><Ago at={recall.at} /></span>
        <span className="quiet">{t('sharing.deadline')}: <Both at={recall.deadline} /></span>
      </div>
      <p className={classes.text}>{recall.reason}</p>
      <div className={classes.wrap}>
        <table className={classes.table}>
          <thead><tr><th>{t('sharing.recipient')}</th><th>{t('sharing.acknowledgement')}</th></tr></thead>
          <tbody>
            {recall.holders.map((holder) => (
              <tr key={`${holder.organisation} ${holder.edge ?? ''} ${holder.peer ?? ''}`}>
                <td>{name(holder.organisation)}{holder.edge != null && <span className="quiet"> · {t('doors.edge')} {holder.edge}</span>}{holder.peer != null && <span className="quiet"> · {t('sharing.hub')}</span>}</td>
                <td>
                  {holder.acknowledged == null ? t('sharing.waiting') : <Ago at={holder.acknowledged} />}
                  {holder.beyond != null && <span className="quiet"> · {t('sharing.beyond', { done: holder.beyond.acknowledged, all: holder.beyond.holders })}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {recall.pending && may.includes('ask-release') && (
        <div className={classes.actions}>
          <Button size="xs" loading={done.isPending} onClick={() => done.mutate()}>{t('sharing.acknowledge')}</Button>
          <span className="quiet">{t('sharing.acknowledgeHint')}</span>
        </div>
      )}
      {done.error && <ErrorNote error={done.error} />}
    </>
  )
}
