import { Button, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import classes from './evidence.module.css'

/** What is written down with an act. */
export interface Why {
  reason: string
  legalBasis: string
}

interface ActProps {
  onClose: () => void
  title: string
  /** The act, in the words of its button. */
  act: string
  said: string
  run: (why: Why) => Promise<unknown>
  /** Whether a legal basis belongs to it: must it be named, may it, or is it not asked for. */
  basis?: 'must' | 'may'
  /** What the reason is called here, where it is not one. */
  reasonLabel?: string
  /** Whether nothing needs to be said. */
  silent?: boolean
  /** Whether what stands above the reason is all there. */
  complete?: boolean
  destroys?: boolean
  children?: ReactNode
}

/** Asks why, and does it: whatever is done to evidence is written down with a reason. */
export function Act({ onClose, title, act, said, run, basis, reasonLabel, silent = false, complete = true, destroys = false, children }: ActProps) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [reason, setReason] = useState('')
  const [legalBasis, setLegalBasis] = useState('')
  const doing = useMutation({
    mutationFn: () => run({ reason: reason.trim(), legalBasis: legalBasis.trim() }),
    onSuccess: async () => {
      say(said)
      onClose()
      await client.invalidateQueries({ queryKey: ['evidence'] })
    },
  })
  if (needsProof(doing.error)) return <Prove opened onClose={() => doing.reset()} onProved={() => doing.mutate()} />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    doing.mutate()
  }
  const whole = complete && (silent || reason.trim() !== '') && (basis !== 'must' || legalBasis.trim() !== '')
  return (
    <Dialog opened onClose={onClose} title={title} size="lg">
      <form className={classes.form} onSubmit={submit}>
        {children}
        <Textarea data-autofocus label={reasonLabel ?? t('evidence.reason')} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {basis && <Textarea label={t(basis === 'must' ? 'evidence.legalBasis' : 'evidence.legalBasisIfAny')} autosize minRows={1} maxLength={2000} value={legalBasis} onChange={(event) => setLegalBasis(event.currentTarget.value)} />}
        {doing.error && <ErrorNote error={doing.error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" {...(destroys ? { color: 'red' } : {})} loading={doing.isPending} disabled={!whole}>{act}</Button>
        </div>
      </form>
    </Dialog>
  )
}
