import { Button, PasswordInput, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { useSession } from '../../api/session.ts'
import { follow, newSealKey, openSeal, report, useAnonymous, type AnonymousReport } from '../../api/sharing.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { Secret } from '../../components/secret.tsx'
import { Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import classes from './sharing.module.css'

/** Reporting with one's name withheld; and, for the coordinator, what was so reported. */
export function Anonymous() {
  const { t } = useTranslation()
  const { may } = useSession()
  const list = useAnonymous()
  if (list.error) return <ErrorNote error={list.error} retry={() => void list.refetch()} />
  if (!list.data) return <Waiting />
  const ready = list.data.seal_key != null
  return (
    <>
      <p className="prose">{t('sharing.anonymousHint')}</p>
      {may.includes('submit-anonymously') && (ready ? <Submit /> : <p className={classes.due}>{t('sharing.noSealKey')}</p>)}
      <Follow />
      {may.includes('open-seals') && <Keeper reports={list.data.reports} publicKey={list.data.seal_key ?? null} />}
    </>
  )
}

function parse(text: string): unknown[] | null {
  try {
    const read: unknown = JSON.parse(text)
    if (Array.isArray(read)) return read as unknown[]
    if (typeof read !== 'object' || read === null) return null
    const objects = (read as { objects?: unknown }).objects
    return Array.isArray(objects) ? (objects as unknown[]) : [read]
  } catch {
    return null
  }
}

function Submit() {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const objects = parse(text)
  const send = useMutation({ mutationFn: (dry: boolean) => report(objects ?? [], dry) })
  const said = send.data
  if (said?.receipt != null) return <Secret title={t('sharing.reported')} secret={said.receipt} hint={t('sharing.receiptHint')} onDone={() => { send.reset(); setText('') }} />
  return (
    <Section title={t('sharing.report')}>
      <form className={classes.form} onSubmit={(event) => { event.preventDefault(); send.mutate(false) }}>
        <Textarea label={t('sharing.reportObjects')} description={t('sharing.reportObjectsHint')} autosize minRows={6} maxRows={20} styles={{ input: { fontFamily: 'var(--mono, monospace)' } }} value={text} onChange={(event) => setText(event.currentTarget.value)} error={text !== '' && objects === null ? t('sharing.notJson') : undefined} />
        {send.error && <ErrorNote error={send.error} />}
        {said && (
          <ul>
            {said.refused.map((one) => <li key={`r${one.index}${one.code}`}><strong>{t('sharing.refused')}</strong> #{one.index + 1}: {t(`withheld.${one.code}`, { defaultValue: one.message })}</li>)}
            {said.changed.map((one) => <li key={`c${one.index}${one.code}`}>#{one.index + 1}: {t(`withheld.${one.code}`, { defaultValue: one.message })}</li>)}
          </ul>
        )}
        <div className={classes.actions}>
          <Button variant="default" type="button" disabled={objects === null} loading={send.isPending} onClick={() => send.mutate(true)}>{t('sharing.checkFirst')}</Button>
          <Button type="submit" disabled={objects === null} loading={send.isPending}>{t('sharing.reportNow')}</Button>
        </div>
      </form>
    </Section>
  )
}

function Follow() {
  const { t } = useTranslation()
  const [receipt, setReceipt] = useState('')
  const ask = useMutation({ mutationFn: () => follow(receipt.trim()) })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    ask.mutate()
  }
  return (
    <Section title={t('sharing.follow')}>
      <form className={classes.form} onSubmit={submit}>
        <TextInput label={t('sharing.receipt')} autoComplete="off" value={receipt} onChange={(event) => setReceipt(event.currentTarget.value)} />
        {ask.error && <ErrorNote error={ask.error} />}
        <div className={classes.actions}><Button variant="default" type="submit" loading={ask.isPending} disabled={receipt.trim() === ''}>{t('sharing.followNow')}</Button></div>
      </form>
      {ask.data && <Objects one={ask.data} />}
    </Section>
  )
}

function Objects({ one }: { one: AnonymousReport }) {
  const { t } = useTranslation()
  return (
    <ul>
      {one.objects.map((object) => (
        <li key={object.id}><span className="mono">{object.id}</span> · {t(`reports.${object.state}`)} · {object.given_to_at_least == null ? t('sharing.givenFewerThan3') : t('sharing.givenAtLeast', { count: object.given_to_at_least })}</li>
      ))}
    </ul>
  )
}

function Keeper({ reports, publicKey }: { reports: AnonymousReport[]; publicKey: string | null }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [opening, setOpening] = useState<string | null>(null)
  const make = useMutation({ mutationFn: newSealKey })
  const kept = () => {
    make.reset()
    void client.invalidateQueries({ queryKey: ['anonymous'] })
  }
  return (
    <Section title={t('sharing.reports')} aside={<Button size="xs" variant="default" loading={make.isPending} onClick={() => make.mutate()}>{t('sharing.newSealKey')}</Button>}>
      {make.data && <Secret title={t('sharing.sealKeyMade')} secret={make.data.private} hint={t('sharing.sealKeyHint')} onDone={kept} />}
      {make.error && <ErrorNote error={make.error} />}
      <p className="quiet">{publicKey === null ? t('sharing.noSealKey') : t('sharing.sealKey', { key: publicKey.slice(0, 16) })}</p>
      <ol className={classes.list}>
        {reports.map((one) => (
          <li key={one.id} className={classes.item}>
            <div className={classes.head}><span className="mono">{one.id}</span><Both at={one.at} /></div>
            <Objects one={one} />
            <div className={classes.actions}><Button size="xs" variant="default" onClick={() => setOpening(one.id)}>{t('sharing.openSeal')}</Button></div>
          </li>
        ))}
      </ol>
      {opening !== null && <OpenDialog report={opening} onClose={() => setOpening(null)} />}
    </Section>
  )
}

function OpenDialog({ report: id, onClose }: { report: string; onClose: () => void }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const [key, setKey] = useState('')
  const [reason, setReason] = useState('')
  const open = useMutation({ mutationFn: () => openSeal(id, key, reason) })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    open.mutate()
  }
  return (
    <Dialog opened onClose={onClose} title={t('sharing.openSeal')}>
      {open.data ? <p role="status"><strong>{name(open.data.organisation)}</strong> · <span className="mono">{open.data.account}</span> · <Both at={open.data.at} /></p> : (
        <form className={classes.form} onSubmit={submit}>
          <p>{t('sharing.openSealHint')}</p>
          <PasswordInput label={t('sharing.sealPrivate')} autoComplete="off" value={key} onChange={(event) => setKey(event.currentTarget.value)} />
          <Textarea label={t('sharing.reason')} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          {open.error && <ErrorNote error={open.error} />}
          <Button type="submit" loading={open.isPending} disabled={key.trim() === '' || reason.trim() === ''}>{t('sharing.openSeal')}</Button>
        </form>
      )}
    </Dialog>
  )
}
