import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { Dialog } from './dialog.tsx'
import { ErrorNote } from './error-note.tsx'

interface ConfirmProps {
  opened: boolean
  onClose: () => void
  title: string
  /** What follows from it, in a sentence or two. */
  children: ReactNode
  /** The act, in the words of its button. */
  act: string
  run: () => Promise<unknown>
  onDone: () => void
}

/** Asks before something that cannot be taken back. What the hub refuses is told here, and nothing is closed over it. */
export function Confirm({ opened, onClose, title, children, act, run, onDone }: ConfirmProps) {
  const { t } = useTranslation()
  const doing = useMutation({ mutationFn: run, onSuccess: onDone })
  const close = () => {
    doing.reset()
    onClose()
  }
  return (
    <Dialog opened={opened} onClose={close} title={title}>
      <div style={{ display: 'grid', gap: 12 }}>
        {children}
        {doing.error && <ErrorNote error={doing.error} />}
        <div style={{ display: 'flex', gap: 8, justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={close} data-autofocus>{t('common.cancel')}</Button>
          <Button color="red" loading={doing.isPending} onClick={() => doing.mutate()}>{act}</Button>
        </div>
      </div>
    </Dialog>
  )
}
