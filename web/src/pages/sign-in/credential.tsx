import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { KeyRound, RectangleEllipsis } from 'lucide-react'
import { useTranslation } from 'react-i18next'

import { passkeyObstacle, registerPasskey, useNode, useSession } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { PasswordForm } from '../account/password-form.tsx'
import { Entrance } from './entrance.tsx'
import classes from './entrance.module.css'

/** After the one-time link: without a passkey or a password nobody could come back. */
export default function CredentialPage() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { person } = useSession()
  const obstacle = passkeyObstacle()
  const takesPasswords = useNode().data?.passwords ?? true
  const done = () => client.invalidateQueries({ queryKey: ['session'] })
  const passkey = useMutation({ mutationFn: () => registerPasskey(t('account.thisDevice')), onSuccess: done })
  const error = passkey.error instanceof DOMException && passkey.error.name === 'NotAllowedError' ? null : passkey.error
  return (
    <Entrance title={t('credential.title')}>
      <p className="prose">{t('credential.why', { login: person.login })}</p>
      {error && <ErrorNote error={error} />}
      <section className={classes.choice}>
        <h2><KeyRound size={16} aria-hidden />{t('credential.passkey')}</h2>
        <p>{obstacle === null ? t('credential.passkeyWhy') : t(`passkeyObstacle.${obstacle}`)}</p>
        <Button fullWidth disabled={obstacle !== null} loading={passkey.isPending} onClick={() => passkey.mutate()}>{t('credential.makePasskey')}</Button>
      </section>
      {takesPasswords && <section className={classes.choice}>
        <h2><RectangleEllipsis size={16} aria-hidden />{t('credential.password')}</h2>
        <PasswordForm login={person.login} onDone={() => void done()} />
      </section>}
    </Entrance>
  )
}
