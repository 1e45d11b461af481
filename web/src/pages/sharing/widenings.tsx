import { Button, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { decideWidening, useWidenings, type Widening } from '../../api/sharing.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import classes from './sharing.module.css'

/** Freer markings that one of us has proposed; another one of us confirms them. */
export function Widenings() {
  const { t } = useTranslation()
  const widenings = useWidenings()
  if (widenings.error) return <ErrorNote error={widenings.error} retry={() => void widenings.refetch()} />
  if (!widenings.data) return <Waiting />
  const all = widenings.data.widenings
  if (all.length === 0) return <Empty title={t('sharing.noWidenings')}>{t('sharing.noWideningsHint')}</Empty>
  return <ol className={classes.list}>{all.map((widening) => <li key={widening.id} className={classes.item}><Row widening={widening} /></li>)}</ol>
}

function Row({ widening }: { widening: Widening }) {
  const { t } = useTranslation()
  return (
    <>
      <div className={classes.head}>
        <strong>{t(`widenings.${widening.state}`)}</strong>
        <Link className="text-link" to={`/intelligence/${widening.object}`}>{widening.name}</Link>
        <span>{`TLP:${widening.tlp.toUpperCase()}`}</span>
        <span className="quiet">{t('sharing.proposedBy', { name: widening.proposer })}</span>
        <span className="quiet"><Ago at={widening.at} /></span>
      </div>
      <p className={classes.text}>{widening.waits ? t('widenings.waits') : widening.reason}</p>
      {widening.answer != null && (
        <div className={classes.answer}>
          <p className={classes.text}>{widening.answer}</p>
          {widening.decider != null && <p className="quiet">{widening.decider}</p>}
        </div>
      )}
      {widening.state === 'open' && <Decision widening={widening} />}
    </>
  )
}

function Decision({ widening }: { widening: Widening }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [text, setText] = useState('')
  const send = useMutation({
    mutationFn: (decision: string) => decideWidening(widening.id, decision, text),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['widenings'] })
      await client.invalidateQueries({ queryKey: ['object', widening.object] })
    },
  })
  const decisions = widening.own ? ['withdraw'] : ['confirm', 'refuse']
  const first = decisions[0] ?? 'refuse'
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate(first)
  }
  return (
    <form onSubmit={submit}>
      <p className="quiet">{widening.own ? t('sharing.wideningOwn') : widening.waits ? t('sharing.wideningWaits') : t('sharing.wideningOther')}</p>
      <TextInput label={t('sharing.reason')} required withAsterisk={false} maxLength={10_000} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      {needsProof(send.error) ? <Prove opened onClose={send.reset} onProved={() => send.mutate(send.variables ?? first)} /> : send.error && <ErrorNote error={send.error} />}
      <div className={classes.actions}>
        {decisions.map((decision) => (
          <Button key={decision} size="xs" type={decision === first ? 'submit' : 'button'} variant={decision === first ? 'filled' : 'default'} loading={send.isPending && send.variables === decision}
            disabled={text.trim() === ''} onClick={decision === first ? undefined : () => send.mutate(decision)}>
            {t(`widenings.${decision}`)}
          </Button>
        ))}
      </div>
    </form>
  )
}
