import { Button, Checkbox, NumberInput, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import { askRelease, changeMarking, issueRecall, judge, LEVELS, PURPOSES } from '../../api/sharing.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './sharing.module.css'

interface Props {
  object: string
  opened: boolean
  onClose: () => void
}

export const tlpOptions = () => LEVELS.map((level) => ({ value: level, label: `TLP:${level.toUpperCase()}` }))

/** Asks an originator for release of an object. */
export function RequestDialog({ object, opened, onClose }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const { say } = useToasts()
  const { organisation } = useSession()
  const organisations = useOrganisations(opened).data ?? [organisation]
  const [recipient, setRecipient] = useState(organisation.id)
  const [tlp, setTlp] = useState<string | null>(null)
  const [purpose, setPurpose] = useState<string>(PURPOSES[0])
  const [reason, setReason] = useState('')
  const send = useMutation({
    mutationFn: () => askRelease({ object, recipient, purpose, reason, ...(tlp === null ? {} : { tlp }) }),
    onSuccess: async () => {
      say(t('sharing.requestSent'))
      onClose()
      setReason('')
      await client.invalidateQueries({ queryKey: ['release-requests'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  return (
    <Dialog opened={opened} onClose={onClose} title={t('sharing.requestRelease')}>
      <form className={classes.form} onSubmit={submit}>
        <p className="quiet">{t('sharing.requestHint')}</p>
        <Select label={t('sharing.recipient')} searchable allowDeselect={false} value={recipient} onChange={(id) => id && setRecipient(id)} data={organisations.map((one) => ({ value: one.id, label: nameOf(one, language) }))} />
        <Select label={t('sharing.wantedLevel')} description={t('sharing.wantedLevelHint')} clearable value={tlp} onChange={setTlp} data={tlpOptions().filter(({ value }) => value !== 'red')} />
        <Select label={t('sharing.purpose')} allowDeselect={false} value={purpose} onChange={(value) => value && setPurpose(value)} data={PURPOSES.map((value) => ({ value, label: t(`purposes.${value}`) }))} />
        <Textarea label={t('sharing.reason')} required withAsterisk={false} autosize minRows={3} maxLength={10_000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {send.error && <ErrorNote error={send.error} />}
        <Button type="submit" loading={send.isPending} disabled={reason.trim() === ''}>{t('sharing.sendRequest')}</Button>
      </form>
    </Dialog>
  )
}

/** Takes back what was given out. */
export function RecallDialog({ object, opened, onClose, givenTo }: Props & { givenTo: number | undefined }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [reason, setReason] = useState('')
  const [hours, setHours] = useState(24)
  const send = useMutation({
    mutationFn: () => issueRecall({ object, reason, deadline_hours: hours }),
    onSuccess: async (recall) => {
      say(t('sharing.recalled', { count: recall.holders.length }))
      onClose()
      setReason('')
      await Promise.all([client.invalidateQueries({ queryKey: ['recalls'] }), client.invalidateQueries({ queryKey: ['object', object] })])
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  if (needsProof(send.error)) return <Prove opened={opened} onClose={send.reset} onProved={() => send.mutate()} />
  return (
    <Dialog opened={opened} onClose={onClose} title={t('sharing.recall')}>
      <form className={classes.form} onSubmit={submit}>
        <p>{t('sharing.recallHint')}</p>
        {givenTo !== undefined && <p className={classes.due}>{t('sharing.givenTo', { count: givenTo })}</p>}
        <Textarea label={t('sharing.reason')} description={t('sharing.recallReasonHint')} required withAsterisk={false} autosize minRows={3} maxLength={10_000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        <NumberInput label={t('sharing.deadline')} suffix={t('sharing.hours')} min={1} max={8760} value={hours} onChange={(value) => setHours(Number(value) || 1)} />
        {send.error && <ErrorNote error={send.error} />}
        <Button type="submit" loading={send.isPending} disabled={reason.trim() === ''}>{t('sharing.doRecall')}</Button>
      </form>
    </Dialog>
  )
}

/** Gives the object's next version another marking. */
export function MarkingDialog({ object, opened, onClose, now }: Props & { now: string | undefined }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [tlp, setTlp] = useState<string | null>(null)
  const [reason, setReason] = useState('')
  const [acs, setAcs] = useState(false)
  const send = useMutation({
    mutationFn: () => changeMarking(object, tlp ?? '', reason, acs),
    onSuccess: async (changed) => {
      say(changed.proposal ? t('sharing.wideningProposed') : t('sharing.markingChanged', { count: changed.told }))
      onClose()
      await client.invalidateQueries({ queryKey: ['object', object] })
      await client.invalidateQueries({ queryKey: ['widenings'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  if (needsProof(send.error)) return <Prove opened={opened} onClose={send.reset} onProved={() => send.mutate()} />
  return (
    <Dialog opened={opened} onClose={onClose} title={t('sharing.changeMarking')}>
      <form className={classes.form} onSubmit={submit}>
        <p className="quiet">{t('sharing.changeMarkingHint')}</p>
        <Select label={t('sharing.newLevel')} value={tlp} onChange={setTlp} data={tlpOptions().filter(({ value }) => acs || value !== now)} />
        <Checkbox label={t('publish.acs')} description={t('sharing.acsHint')} checked={acs} onChange={(event) => setAcs(event.currentTarget.checked)} />
        <Textarea label={t('sharing.reason')} required withAsterisk={false} autosize minRows={3} maxLength={10_000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {send.error && <ErrorNote error={send.error} />}
        <Button type="submit" loading={send.isPending} disabled={tlp === null || reason.trim() === ''}>{t('sharing.changeMarking')}</Button>
      </form>
    </Dialog>
  )
}

/** Tells the originator whether it was right. */
export function JudgeDialog({ object, opened, onClose }: Props) {
  const { t } = useTranslation()
  const { say } = useToasts()
  const [judgement, setJudgement] = useState('false-alarm')
  const [text, setText] = useState('')
  const send = useMutation({
    mutationFn: () => judge(object, judgement, text),
    onSuccess: () => {
      say(t('sharing.judged'))
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  return (
    <Dialog opened={opened} onClose={onClose} title={t('sharing.judge')}>
      <form className={classes.form} onSubmit={submit}>
        <Select label={t('sharing.judgement')} allowDeselect={false} value={judgement} onChange={(value) => value && setJudgement(value)} data={['false-alarm', 'confirmed', 'blocked'].map((value) => ({ value, label: t(`judgements.${value}`) }))} />
        <TextInput label={t('sharing.grounds')} required withAsterisk={false} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        {send.error && <ErrorNote error={send.error} />}
        <Button type="submit" loading={send.isPending} disabled={text.trim() === ''}>{t('sharing.judge')}</Button>
      </form>
    </Dialog>
  )
}
