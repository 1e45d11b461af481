import { Button, PasswordInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { ApiError } from '../api/error.ts'
import { passkeyObstacle, useSession, useSignIn, type SignIn } from '../api/session.ts'
import { Dialog } from './dialog.tsx'
import { ErrorNote } from './error-note.tsx'

/** Whether something was refused only because the last sign-in is too old. */
export function needsProof(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'fresh-proof-needed'
}

interface ProveProps {
  opened: boolean
  onClose: () => void
  /** What was refused; it is asked for once more. */
  onProved: () => void
}

/** Asks who is there, without leaving the page: signing in again replaces the session that was open. */
export function Prove({ opened, onClose, onProved }: ProveProps) {
  const { t } = useTranslation()
  const { person } = useSession()
  const signIn = useSignIn()
  const [password, setPassword] = useState('')
  const prove = (way: SignIn) => signIn.mutate(way, {
    onSuccess: () => {
      setPassword('')
      onProved()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    prove({ by: 'password', login: person.login, password })
  }
  const wasCancelled = signIn.error instanceof DOMException && signIn.error.name === 'NotAllowedError'
  return (
    <Dialog opened={opened} onClose={onClose} title={t('prove.title')}>
      <p>{t('prove.why')}</p>
      <form onSubmit={submit} style={{ display: 'grid', gap: 12, marginTop: 12 }}>
        <input type="text" name="username" autoComplete="username" value={person.login} readOnly hidden />
        <PasswordInput data-autofocus label={t('signIn.password')} autoComplete="current-password" value={password} onChange={(event) => setPassword(event.currentTarget.value)} visibilityToggleButtonProps={{ 'aria-label': t('signIn.reveal') }} />
        {signIn.error && !wasCancelled && <ErrorNote error={signIn.error} />}
        <Button type="submit" loading={signIn.isPending} disabled={password === ''}>{t('prove.submit')}</Button>
        {passkeyObstacle() === null && <Button variant="default" onClick={() => prove({ by: 'passkey' })}>{t('prove.passkey')}</Button>}
      </form>
    </Dialog>
  )
}
