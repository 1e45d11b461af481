import { Button, FileButton, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { propose, type PoliciesInForce, type PolicyFile, type PolicyProposal } from '../../api/policies.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Diff } from './diff.tsx'
import classes from './policies.module.css'

interface ProposeProps {
  now: PoliciesInForce
  onDone: (proposal: PolicyProposal) => void
  onClose: () => void
}

/** The files as plain text, to edit or to replace by those of a folder; nothing changes before another person approves. */
export function Propose({ now, onDone, onClose }: ProposeProps) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [reason, setReason] = useState('')
  const [files, setFiles] = useState<PolicyFile[]>(now.files.filter((file) => file.name.endsWith('.cedar')))
  const send = useMutation({
    mutationFn: () => propose(reason.trim(), files),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['policy-proposals'] })
      onDone(made)
    },
  })
  const take = (file: PolicyFile) => setFiles((known) => [...known.filter((one) => one.name !== file.name), file].toSorted((a, b) => a.name.localeCompare(b.name)))
  const upload = (chosen: File[]) => {
    for (const file of chosen) void file.text().then((text) => take({ name: file.name, text }))
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  const kept = now.files.filter((file) => !file.name.endsWith('.cedar'))
  const isSame = files.every((file) => now.files.some((old) => old.name === file.name && old.text === file.text)) && files.length + kept.length === now.files.length
  return (
    <form className={classes.form} onSubmit={submit}>
      <p className={classes.quiet}>{t('policyChange.proposeHint')}</p>
      <Textarea label={t('policyChange.reason')} required withAsterisk={false} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      <div className={classes.acts}>
        <FileButton multiple accept=".cedar" onChange={upload}>{(given) => <Button {...given} size="xs" variant="default">{t('policyChange.upload')}</Button>}</FileButton>
      </div>
      {files.map((file) => (
        <details key={file.name} className={classes.file}>
          <summary>{file.name}</summary>
          <Textarea aria-label={file.name} autosize minRows={8} maxRows={30} spellCheck={false} mt={6} value={file.text} onChange={(event) => take({ name: file.name, text: event.currentTarget.value })} />
          <Button size="compact-xs" variant="default" mt={6} onClick={() => setFiles(files.filter((one) => one.name !== file.name))}>{t('policyChange.remove')}</Button>
        </details>
      ))}
      <Section id="changes" title={t('policyChange.changes')}><Diff before={now.files} after={[...kept, ...files]} /></Section>
      {needsProof(send.error) ? <Prove opened onClose={send.reset} onProved={() => send.mutate()} /> : send.error && <ErrorNote error={send.error} />}
      <div className={classes.acts}>
        <Button type="submit" loading={send.isPending} disabled={reason.trim() === '' || isSame}>{t('policyChange.submit')}</Button>
        <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
      </div>
    </form>
  )
}
