import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, Navigate, useParams } from 'react-router'

import { call } from '../../api/client.ts'
import { providerAnswer, readErrand } from '../../api/identity.ts'
import { useSessionQuery, useSignIn } from '../../api/session.ts'
import type { ProviderAnswer } from '../../api/types.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Entrance } from './entrance.tsx'
import { safePath } from './sign-in.tsx'
import classes from './entrance.module.css'

/** Where an organisation's identity provider sends the browser back to. The code leaves the address at once and stays in no history. */
export default function ProviderPage() {
  const { t } = useTranslation()
  const { provider = '' } = useParams()
  const [answer] = useState(() => providerAnswer(provider, location.search))
  const [errand] = useState(readErrand)
  const client = useQueryClient()
  const session = useSessionQuery()
  const signIn = useSignIn()
  const tie = useMutation({
    mutationFn: (given: ProviderAnswer) => call<void>('POST', '/api/v1/me/identities/finish', given),
    onSuccess: () => client.invalidateQueries({ queryKey: ['identities'] }),
  })
  const used = useRef(false)
  // The session's word is read first: tying an account is an act of whoever is signed in.
  const isReady = !session.isPending
  const { mutate: begin } = signIn
  const { mutate: bind } = tie
  useEffect(() => {
    if (answer === null || used.current || !isReady) return
    used.current = true
    history.replaceState(history.state, '', location.pathname)
    if (errand.tie) bind(answer)
    else begin({ by: 'provider', answer })
  }, [answer, errand, isReady, begin, bind])
  if (tie.isSuccess) return <Navigate to="/me" replace />
  if (signIn.isSuccess && session.data) return <Navigate to={safePath(errand.to)} replace />
  const error = signIn.error ?? tie.error
  return (
    <Entrance title={t('provider.title')}>
      {error && <ErrorNote error={error} />}
      {answer === null && (
        <div className={classes.notice} role="alert">
          <strong>{t('provider.refused')}</strong>
          <p>{t('provider.refusedDo')}</p>
        </div>
      )}
      {answer !== null && !error && <p className="quiet">{t('signIn.wait')}</p>}
      {(error || answer === null) && <Button component={Link} to={errand.tie ? '/me' : '/sign-in'} variant="default" fullWidth>{t('provider.back')}</Button>}
    </Entrance>
  )
}
