import { Button, PasswordInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'

const LENGTH_MIN = 12
const LENGTH_MAX = 256

/** Length is all that is asked of a password; it is counted in characters as the hub counts them. */
export function passwordFault(password: string): 'short' | 'long' | null {
  const length = [...password].length
  if (length < LENGTH_MIN) return 'short'
  return length > LENGTH_MAX ? 'long' : null
}

export function PasswordForm({ login, onDone }: { login: string; onDone: () => void }) {
  const { t } = useTranslation()
  const [password, setPassword] = useState('')
  const [fault, setFault] = useState<'short' | 'long' | null>(null)
  const save = useMutation({
    mutationFn: () => call<void>('PUT', '/api/v1/me/password', { password }),
    onSuccess: () => {
      setPassword('')
      onDone()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const found = passwordFault(password)
    setFault(found)
    if (found === null) save.mutate()
  }
  return (
    <>
    <Prove opened={needsProof(save.error)} onClose={save.reset} onProved={() => save.mutate()} />
    <form onSubmit={submit} style={{ display: 'grid', gap: 12 }}>
      <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
      <PasswordInput
        label={t('account.newPassword')}
        description={t('account.passwordRule')}
        autoComplete="new-password"
        value={password}
        error={fault && t(`account.password.${fault}`)}
        onChange={(event) => {
          setPassword(event.currentTarget.value)
          setFault(null)
        }}
        visibilityToggleButtonProps={{ 'aria-label': t('signIn.reveal') }}
      />
      {save.error && !needsProof(save.error) && <ErrorNote error={save.error} />}
      <Button type="submit" variant="default" loading={save.isPending}>{t('account.setPassword')}</Button>
    </form>
    </>
  )
}
