import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Building2, KeyRound } from 'lucide-react'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Navigate, useSearchParams } from 'react-router'

import { ApiError } from '../../api/error.ts'
import { goToProvider, lastProvider } from '../../api/identity.ts'
import { passkeyObstacle, useNode, useSessionQuery, useSignIn } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Entrance } from './entrance.tsx'
import classes from './entrance.module.css'

/** Only a path of this console, never another site. */
export function safePath(wanted: string | null): string {
  return wanted !== null && /^\/(?![/\\])/u.test(wanted) && !wanted.startsWith('/sign-in') ? wanted : '/'
}

export default function SignInPage() {
  const { t } = useTranslation()
  const [search] = useSearchParams()
  const session = useSessionQuery()
  const signIn = useSignIn()
  const linkUsed = useLink((link) => signIn.mutate({ by: 'link', link }))
  const [login, setLogin] = useState('')
  const [password, setPassword] = useState('')
  const obstacle = passkeyObstacle()
  const takesPasswords = useNode().data?.passwords ?? true

  if (session.data && !signIn.isPending) return <Navigate to={safePath(search.get('to'))} replace />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    signIn.mutate({ by: 'password', login, password })
  }
  // A person who closes the browser's passkey window has not failed at anything.
  const error = signIn.error instanceof DOMException && signIn.error.name === 'NotAllowedError' ? null : signIn.error
  if (linkUsed && signIn.isPending) return <Entrance title={t('signIn.byLink')}><p className="quiet">{t('signIn.wait')}</p></Entrance>
  return (
    <Entrance title={t('signIn.title')}>
      {error && (linkUsed && error instanceof ApiError && error.code === 'sign-in-refused' ? <LinkRefused /> : <ErrorNote error={error} />)}
      {takesPasswords && <><form className={classes.form} onSubmit={submit}>
        <TextInput label={t('signIn.login')} autoComplete="username" autoCapitalize="none" spellCheck={false} required withAsterisk={false} value={login} onChange={(event) => setLogin(event.currentTarget.value)} />
        <PasswordInput label={t('signIn.password')} autoComplete="current-password" required withAsterisk={false} value={password} onChange={(event) => setPassword(event.currentTarget.value)} visibilityToggleButtonProps={{ 'aria-label': t('signIn.reveal') }} />
        <Button type="submit" fullWidth loading={signIn.isPending && signIn.variables.by === 'password'}>{t('signIn.submit')}</Button>
      </form>
      <div className={classes.or}>{t('signIn.or')}</div></>}
      <Button variant="default" fullWidth leftSection={<KeyRound size={16} />} disabled={obstacle !== null} loading={signIn.isPending && signIn.variables.by === 'passkey'} onClick={() => signIn.mutate({ by: 'passkey' })}>
        {t('signIn.passkey')}
      </Button>
      {obstacle !== null && <p className={classes.hint}>{t(`passkeyObstacle.${obstacle}`)}</p>}
      <ByProvider wanted={search.get('provider')} to={safePath(search.get('to'))} />
      <p className={classes.hint}>{t('signIn.firstTime')}</p>
    </Entrance>
  )
}

/** By the organisation's own identity provider. Which there are is not told to strangers: one knows the name, or has a link with it. */
function ByProvider({ wanted, to }: { wanted: string | null; to: string }) {
  const { t } = useTranslation()
  const [provider, setProvider] = useState(() => wanted ?? lastProvider())
  const [isOpen, setOpen] = useState(wanted !== null)
  const go = useMutation({ mutationFn: () => goToProvider(provider, { to, tie: false }) })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    go.mutate()
  }
  if (!isOpen) return <Button variant="default" fullWidth leftSection={<Building2 size={16} />} onClick={() => setOpen(true)}>{t('provider.signIn')}</Button>
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput label={t('provider.name')} description={t('provider.nameHint')} required withAsterisk={false} autoCapitalize="none" spellCheck={false} pattern="[a-z0-9\-]{1,64}" value={provider} onChange={(event) => setProvider(event.currentTarget.value.normalize('NFKC').toLowerCase())} />
      {go.error && <ErrorNote error={go.error} />}
      <Button type="submit" variant="default" fullWidth leftSection={<Building2 size={16} />} loading={go.isPending || go.isSuccess}>{t('provider.signIn')}</Button>
    </form>
  )
}

function LinkRefused() {
  const { t } = useTranslation()
  return (
    <div className={classes.notice} role="alert">
      <strong>{t('signIn.linkRefused')}</strong>
      <p>{t('signIn.linkRefusedDo')}</p>
    </div>
  )
}

/** Takes the one-time secret out of the address at once, so that it stays in no history, and hands it on. */
function useLink(use: (link: string) => void): boolean {
  const [link] = useState(() => new URLSearchParams(location.hash.slice(1)).get('link'))
  const used = useRef(false)
  useEffect(() => {
    if (link === null || used.current) return
    used.current = true
    history.replaceState(history.state, '', location.pathname + location.search)
    use(link)
  }, [link, use])
  return link !== null
}
