import { Button, FileInput, Progress, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { announce, send, type EvidenceItem, type EvidenceLabel, type EvidenceList } from '../../api/evidence.ts'
import { useSession } from '../../api/session.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import { bytes } from '../../format/number.ts'
import classes from './evidence.module.css'
import { hashOf } from './file.ts'
import { LabelChoice } from './label-choice.tsx'
import { KINDS } from './words.ts'
import { onClock, zoned, zones } from './zoned.ts'

interface AddProps {
  of: string
  least: string
  list: EvidenceList
  onClose: () => void
}

const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** Everything that is said of a file as it is secured. */
function useSecured(least: string) {
  const { person } = useSession()
  const [said, setSaid] = useState(() => ({
    kind: 'log' as string, description: '', collector: person.name, where: '', at: onClock(Date.now(), OWN_ZONE), zone: OWN_ZONE, reason: '', legalBasis: '',
  }))
  const [label, setLabel] = useState<EvidenceLabel>({ tlp: least, only: [] })
  const change = (part: Partial<typeof said>) => setSaid((all) => ({ ...all, ...part }))
  const complete = [said.description, said.collector, said.where, said.reason].every((text) => text.trim() !== '') && zoned(said.at, said.zone) !== null
  return { said, change, label, setLabel, complete }
}

/** Brings a file into the case: what it is and who secured it first, then its content, piece by piece. */
export function Add({ of, least, list, onClose }: AddProps) {
  const { t } = useTranslation()
  const { say } = useToasts()
  const client = useQueryClient()
  const [id] = useState(() => crypto.randomUUID())
  const [file, setFile] = useState<File | null>(null)
  const [sent, setSent] = useState<number | null>(null)
  const secured = useSecured(least)
  const { said, label } = secured
  const tooLarge = file !== null && file.size > list.item_bytes_max
  const bring = useMutation({
    mutationFn: async (chosen: File) => {
      const sha256 = await hashOf(chosen)
      await announce(of, {
        id, name: chosen.name, kind: said.kind, description: said.description.trim(), collector: said.collector.trim(), seized_at: zoned(said.at, said.zone) ?? '',
        seized_where: said.where.trim(), reason: said.reason.trim(), label,
        ...(said.legalBasis.trim() === '' ? {} : { legal_basis: said.legalBasis.trim() }), ...(sha256 === null ? {} : { sha256 }),
      })
      setSent(0)
      await send(id, chosen, setSent)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['evidence'] }),
    onSuccess: () => {
      say(t('evidence.added'))
      onClose()
    },
    onError: () => setSent(null),
  })
  if (needsProof(bring.error)) return <Prove opened onClose={() => bring.reset()} onProved={() => file && bring.mutate(file)} />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (file) bring.mutate(file)
  }
  return (
    <Dialog opened onClose={() => !bring.isPending && onClose()} title={t('evidence.add')} size="lg">
      <form className={classes.form} onSubmit={submit}>
        <FileInput label={t('evidence.file')} placeholder={t('evidence.chooseFile')} description={t('evidence.fileHint', { size: bytes(list.item_bytes_max) })} value={file} onChange={setFile} error={tooLarge ? t('evidence.tooLarge', { size: bytes(list.item_bytes_max) }) : undefined} />
        <Said secured={secured} />
        <LabelChoice of={of} value={label} onChange={secured.setLabel} least={least} audiences={list.audiences} />
        {sent !== null && file && <Sending sent={sent} whole={file.size} />}
        {bring.error && <ErrorNote error={bring.error} />}
        <div className={classes.buttons}>
          <Button variant="default" disabled={bring.isPending} onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={bring.isPending} disabled={file === null || tooLarge || !secured.complete}>{t('evidence.addNow')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

function Said({ secured: { said, change } }: { secured: ReturnType<typeof useSecured> }) {
  const { t } = useTranslation()
  return (
    <>
      <div className={classes.pair}>
        <Select label={t('evidence.kind')} allowDeselect={false} value={said.kind} onChange={(kind) => change({ kind: kind ?? 'other' })} data={KINDS.map((one) => ({ value: one, label: t(`evidence.kinds.${one}`) }))} />
        <TextInput label={t('evidence.collector')} maxLength={300} value={said.collector} onChange={(event) => change({ collector: event.currentTarget.value })} />
      </div>
      <Textarea label={t('evidence.description')} autosize minRows={2} maxLength={5000} value={said.description} onChange={(event) => change({ description: event.currentTarget.value })} />
      <div className={classes.pair}>
        <TextInput type="datetime-local" label={t('evidence.seizedAt')} value={said.at} onChange={(event) => change({ at: event.currentTarget.value })} />
        <Select label={t('evidence.zone')} allowDeselect={false} value={said.zone} onChange={(zone) => change({ zone: zone ?? OWN_ZONE })} data={zones(OWN_ZONE)} />
      </div>
      <TextInput label={t('evidence.seizedWhere')} maxLength={500} value={said.where} onChange={(event) => change({ where: event.currentTarget.value })} />
      <Textarea label={t('evidence.reason')} autosize minRows={1} maxLength={2000} value={said.reason} onChange={(event) => change({ reason: event.currentTarget.value })} />
      <Textarea label={t('evidence.legalBasisIfAny')} autosize minRows={1} maxLength={2000} value={said.legalBasis} onChange={(event) => change({ legalBasis: event.currentTarget.value })} />
    </>
  )
}

/** The content of an item whose first sending broke off. */
export function Resume({ item, onClose }: { item: EvidenceItem; onClose: () => void }) {
  const { t } = useTranslation()
  const { say } = useToasts()
  const client = useQueryClient()
  const [file, setFile] = useState<File | null>(null)
  const [sent, setSent] = useState<number | null>(null)
  const bring = useMutation({
    mutationFn: async (chosen: File) => {
      setSent(0)
      await send(item.id, chosen, setSent)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['evidence'] }),
    onSuccess: () => {
      say(t('evidence.added'))
      onClose()
    },
    onError: () => setSent(null),
  })
  if (needsProof(bring.error)) return <Prove opened onClose={() => bring.reset()} onProved={() => file && bring.mutate(file)} />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (file) bring.mutate(file)
  }
  return (
    <Dialog opened onClose={() => !bring.isPending && onClose()} title={t('evidence.sendContent')}>
      <form className={classes.form} onSubmit={submit}>
        <FileInput label={t('evidence.file')} placeholder={item.name} value={file} onChange={setFile} />
        {sent !== null && file && <Sending sent={sent} whole={file.size} />}
        {bring.error && <ErrorNote error={bring.error} />}
        <div className={classes.buttons}>
          <Button variant="default" disabled={bring.isPending} onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={bring.isPending} disabled={file === null}>{t('evidence.addNow')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

function Sending({ sent, whole }: { sent: number; whole: number }) {
  const { t } = useTranslation()
  return (
    <div role="status">
      <Progress value={whole === 0 ? 100 : (100 * Math.min(sent, whole)) / whole} aria-label={t('evidence.sending')} />
      <p className="quiet">{sent >= whole ? t('evidence.sealing') : t('evidence.sent', { sent: bytes(sent), whole: bytes(whole) })}</p>
    </div>
  )
}
