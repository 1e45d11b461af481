import { Button, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { answerOf, type Question } from '../../api/oversight.ts'
import { passkeyObstacle } from '../../api/session.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { canVerify, fromBase64url, toHex } from '../../proof/bytes.ts'
import { canonical } from '../../proof/canonical.ts'
import { useJoin } from '../agreements/words.ts'
import { Breakable, Tick } from './marks.tsx'
import classes from './oversight.module.css'

interface SigningProps<Document, Answer> {
  title: string
  /** The act, in the words of its button. */
  act: string
  /** `required`: others read why something was refused or stopped. */
  reason: 'required' | 'optional'
  /** What follows from it. */
  children: ReactNode
  begin: (reason: string) => Promise<Question<Document>>
  /** What is wrong with the question, computed here; `null` where it asks for what is on the screen. */
  check: (question: Question<Document>, reason: string) => Promise<string | null>
  finish: (challenge: string, credential: unknown) => Promise<Answer>
  onDone: (answer: Answer) => void
  onClose: () => void
}

interface Begun<Document> {
  question: Question<Document>
  fault: string | null
}

/** Has a commissioner sign with a passkey. The words that are signed are shown first, and hashed here: the authenticator is asked
    only where its challenge is the hash of what is on the screen. */
export function Signing<Document, Answer>({ title, act, reason: need, children, begin, check, finish, onDone, onClose }: SigningProps<Document, Answer>) {
  const { t } = useTranslation()
  const obstacle = passkeyObstacle() ?? (canVerify() ? null : 'browser')
  const [reason, setReason] = useState('')
  const [asksReason, setAsksReason] = useState(need === 'required')
  const start = useMutation({
    mutationFn: async (words: string): Promise<Begun<Document>> => {
      const question = await begin(words)
      return { question, fault: await check(question, words) }
    },
  })
  const sign = useMutation({
    mutationFn: async ({ challenge_id, options }: Question<Document>) => finish(challenge_id, await answerOf(options)),
    onSuccess: onDone,
  })
  // What needs no reason is asked at once, so that its words stand there when the dialog opens.
  const isFirst = useRef(true)
  useEffect(() => {
    if (isFirst.current && need === 'optional' && obstacle === null) start.mutate('')
    isFirst.current = false
  }, [need, obstacle, start])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (asksReason) start.mutate(reason, { onSuccess: () => setAsksReason(false) })
    else if (start.data) sign.mutate(start.data.question)
  }
  const again = () => {
    sign.reset()
    start.mutate(reason)
  }
  const wasCancelled = sign.error instanceof DOMException && sign.error.name === 'NotAllowedError'
  const joined = (start.data?.question.signed_by.length ?? 0) > 0
  return (
    <Dialog opened onClose={onClose} title={title} size="lg">
      <form className={classes.form} onSubmit={submit}>
        {children}
        {obstacle !== null && <p className={classes.warning} role="alert">{t(`passkeyObstacle.${obstacle}`)}</p>}
        {asksReason && <Textarea data-autofocus label={t('sharing.reason')} description={t('oversight.reasonHint')} required={need === 'required'} withAsterisk={false} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />}
        {!asksReason && start.isPending && <Waiting lines={4} />}
        {!asksReason && start.data && <Words begun={start.data} />}
        {start.error && <ErrorNote error={start.error} {...(asksReason ? {} : { retry: again })} />}
        {wasCancelled && <p className={classes.warning} role="alert">{t('oversight.signing.cancelled')}</p>}
        {sign.error && !wasCancelled && <ErrorNote error={sign.error} retry={again} />}
        <div className={classes.acts}>
          {asksReason
            ? <Button type="submit" loading={start.isPending} disabled={obstacle !== null || (need === 'required' && reason.trim() === '')}>{t('oversight.signing.show')}</Button>
            : <Button type="submit" data-autofocus leftSection={<KeyRound size={15} />} loading={sign.isPending} disabled={start.data === undefined || start.data.fault !== null || start.isPending}>{t('oversight.signing.sign', { act })}</Button>}
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          {!asksReason && !joined && start.data && <Button variant="subtle" color="gray" onClick={() => setAsksReason(true)}>{t(reason.trim() === '' ? 'oversight.signing.addReason' : 'oversight.signing.changeReason')}</Button>}
        </div>
      </form>
    </Dialog>
  )
}

/** The words to be signed, as they are hashed, with the hash that this browser came to. */
function Words<Document>({ begun: { question, fault } }: { begun: Begun<Document> }) {
  const { t } = useTranslation()
  const join = useJoin()
  const challenge = fromBase64url(question.options.challenge)
  return (
    <section className={classes.signed} aria-label={t('oversight.signing.words')}>
      <p>
        {question.needed === 1 ? t('oversight.signing.alone') : question.signed_by.length === 0 ? t('oversight.signing.first', { count: question.needed }) : t('oversight.signing.joined', { names: join(question.signed_by), count: question.signed_by.length, needed: question.needed })}
      </p>
      <h3>{t('oversight.signing.words')}</h3>
      <pre className={classes.words} tabIndex={0} lang="en"><Breakable text={canonical(question.document)} /></pre>
      <p className={classes.digest}>
        <span>{t('oversight.signing.hash')}</span> <span className="mono">{challenge === null ? '–' : toHex(challenge)}</span>
        <Tick outcome={fault === null} word={t(fault === null ? 'oversight.signing.same' : 'oversight.signing.other')} />
      </p>
      {fault !== null && <p className={classes.warning} role="alert">{t(`oversight.signing.fault.${fault}`)}</p>}
    </section>
  )
}
