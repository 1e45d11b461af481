import { Button, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useSession } from '../../api/session.ts'
import { answerRequest, useRequests, type ReleaseAnswer, type ReleaseRequest } from '../../api/sharing.ts'
import { Count } from '../../components/count.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useObjectName } from '../../components/object-name.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import classes from './sharing.module.css'

/** Requests for release that wait for us, and those that we made. */
export function Requests() {
  const { t } = useTranslation()
  const requests = useRequests()
  const [answering, setAnswering] = useState<ReleaseRequest | null>(null)
  if (requests.error) return <ErrorNote error={requests.error} retry={() => void requests.refetch()} />
  if (!requests.data) return <Waiting />
  const all = requests.data.requests
  if (all.length === 0) return <Empty title={t('sharing.noRequests')}>{t('sharing.noRequestsHint')}</Empty>
  return (
    <>
      <div className={classes.bar}><span><Count count={all.length} updated={requests.dataUpdatedAt} /> · {t('sharing.toAnswer', { count: all.filter((request) => request.to_answer).length })}</span></div>
      <ol className={classes.list}>{all.map((request) => <li key={request.id} className={classes.item}><Row request={request} onAnswer={() => setAnswering(request)} /></li>)}</ol>
      {answering && <AnswerDialog request={answering} onClose={() => setAnswering(null)} />}
    </>
  )
}

function Row({ request, onAnswer }: { request: ReleaseRequest; onAnswer: () => void }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const objectName = useObjectName()
  const { organisation } = useSession()
  const own = request.asker === organisation.id
  return (
    <>
      <div className={classes.head}>
        <strong>{t(`requests.${request.state}`)}</strong>
        <Link className="text-link" to={`/intelligence/${request.object}`}>{objectName(request.object, request.name)}</Link>
        <span>{request.asker === request.recipient ? name(request.asker) : t('sharing.fromTo', { from: name(request.asker), to: name(request.recipient) })}</span>
        <span className="quiet">{t(`purposes.${request.purpose}`, { defaultValue: request.purpose })}</span>
        {request.tlp != null && <span className="quiet">{`TLP:${request.tlp.toUpperCase()}`}</span>}
        <span className="quiet"><Ago at={request.at} /></span>
      </div>
      <p className={classes.text}>{request.reason}</p>
      {request.answer != null && (
        <div className={classes.answer}>
          <p className={classes.text}>{request.answer}</p>
          {request.conditions != null && <p className="quiet">{t('sharing.conditions')}: {request.conditions}</p>}
          {request.until != null && <p className="quiet">{t('sharing.until')}: <Both at={request.until} /></p>}
        </div>
      )}
      <div className={classes.actions}>
        {request.to_answer && <Button size="xs" onClick={onAnswer}>{t('sharing.answer')}</Button>}
        {!own && request.state === 'granted' && <Button size="xs" variant="default" onClick={onAnswer}>{t('sharing.endGrant')}</Button>}
        {own && request.state === 'open' && <Button size="xs" variant="default" onClick={onAnswer}>{t('sharing.withdraw')}</Button>}
      </div>
    </>
  )
}

function AnswerDialog({ request, onClose }: { request: ReleaseRequest; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const kinds = request.to_answer ? ['grant', 'refuse', 'offer'] : [request.state === 'granted' ? 'end' : 'withdraw']
  const [kind, setKind] = useState(kinds[0] ?? 'refuse')
  const [text, setText] = useState('')
  const [conditions, setConditions] = useState('')
  const [until, setUntil] = useState('')
  const send = useMutation({
    mutationFn: (answer: ReleaseAnswer) => answerRequest(request.id, answer),
    onSuccess: async () => {
      onClose()
      await client.invalidateQueries({ queryKey: ['release-requests'] })
    },
  })
  const answer = () => {
    const grants = kind === 'grant'
    send.mutate({
      answer: kind,
      text,
      ...(grants && conditions.trim() !== '' ? { conditions } : {}),
      ...(grants && until !== '' ? { until: new Date(`${until}T23:59:59`).toISOString() } : {}),
    })
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    answer()
  }
  if (needsProof(send.error)) return <Prove opened onClose={send.reset} onProved={answer} />
  return (
    <Dialog opened onClose={onClose} title={t('sharing.answer')}>
      <form className={classes.form} onSubmit={submit}>
        <Select label={t('sharing.answer')} allowDeselect={false} value={kind} onChange={(value) => value && setKind(value)} data={kinds.map((value) => ({ value, label: t(`answers.${value}`) }))} />
        <Textarea label={t('sharing.reason')} required withAsterisk={false} autosize minRows={2} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        {kind === 'grant' && (
          <>
            <TextInput label={t('sharing.conditions')} value={conditions} onChange={(event) => setConditions(event.currentTarget.value)} />
            <TextInput type="date" label={t('sharing.until')} description={t('sharing.untilHint')} value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
          </>
        )}
        {send.error && <ErrorNote error={send.error} />}
        <Button type="submit" loading={send.isPending} disabled={text.trim() === ''}>{t(`answers.${kind}`)}</Button>
      </form>
    </Dialog>
  )
}
