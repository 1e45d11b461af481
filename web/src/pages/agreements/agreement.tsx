import { Button, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { takeStep, useAgreement, type Agreement } from '../../api/agreements.ts'
import { useSession } from '../../api/session.ts'
import { Copy } from '../../components/copy.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import { useNow } from '../../input/now.ts'
import classes from './agreements.module.css'
import { Standing } from './list.tsx'
import { waitsFor } from './standing.ts'
import { Reading } from './text.tsx'

/** One agreement: its text, where its parties stand, what we may do, and what was said about it. */
export default function AgreementPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { id = '' } = useParams()
  const agreement = useAgreement(id)
  const above = <Link to="/sharing/agreements" className="text-link">{t('sharing.agreements')}</Link>
  if (agreement.error) return <Page title={t('agreements.agreement')} above={above}><ErrorNote error={agreement.error} retry={() => void agreement.refetch()} /></Page>
  if (!agreement.data) return <Page title={t('agreements.agreement')} above={above}><Waiting lines={10} /></Page>
  const one = agreement.data
  return (
    <Page
      title={language === 'ja' ? one.title_ja : one.title_en}
      above={above}
      aside={<><Standing agreement={one} /><span>{t(one.source === 'file' ? 'agreements.fromFile' : 'agreements.fromStore')}</span><span>{t('common.asOf')} <Ago at={new Date(agreement.dataUpdatedAt).toISOString()} /></span></>}
    >
      <div className={classes.columns}>
        <div>
          <Reading text={one} isTitled />
          <p className={classes.hash}>{t('agreements.hash')} <span className="mono">{one.hash}</span> <Copy text={one.hash} /></p>
        </div>
        <aside aria-label={t('agreements.sides')}>
          <div className={classes.own}><Own agreement={one} /></div>
          <div><Sides agreement={one} /></div>
          <div><History agreement={one} /></div>
        </aside>
      </div>
    </Page>
  )
}

type Step = 'signed' | 'resumed' | 'suspended' | 'ended' | 'declined'

/** What the reader's organisation may do with it. */
function Own({ agreement }: { agreement: Agreement }) {
  const { t } = useTranslation()
  const { organisation } = useSession()
  const now = useNow(30_000)
  const [step, setStep] = useState<Step | null>(null)
  const own = agreement.sides.find((side) => side.party === organisation.id)
  const may = (state: string) => agreement.may.includes(state)
  const button = (name: Step, isFirst = false) => <Button size="xs" variant={isFirst ? 'filled' : 'default'} onClick={() => setStep(name)}>{t(`agreements.steps.${name}`)}</Button>
  return (
    <Section id="own" title={t('agreements.ownSide')}>
      {own === undefined ? <p className="quiet">{t('agreements.noPartyHint')}</p> : (
        <>
          <p><strong>{waitsFor(agreement, organisation.id, now) ? t('agreements.waitsForUs') : t(`agreements.side.${own.state}`)}</strong>{own.at != null && <span className="quiet"> · <Ago at={own.at} /></span>}</p>
          <p className={classes.hint}>{t(`agreements.sideHint.${own.state}`)}</p>
          {agreement.may.length > 0 ? (
            <div className={classes.acts}>
              {own.state === 'unsigned' && may('signed') && button('signed', true)}
              {own.state === 'suspended' && may('signed') && button('resumed', true)}
              {may('suspended') && button('suspended')}
              {may('ended') && button(own.state === 'unsigned' ? 'declined' : 'ended')}
            </div>
          ) : own.state !== 'ended' && <p className="quiet">{t('agreements.whoSigns')}</p>}
        </>
      )}
      {step !== null && <StepDialog agreement={agreement} step={step} onClose={() => setStep(null)} />}
    </Section>
  )
}

const STATE: Record<Step, string> = { signed: 'signed', resumed: 'signed', suspended: 'suspended', ended: 'ended', declined: 'ended' }

/** Says what follows, asks for the reason where the others are to read one, and for a fresh proof of who is there. */
function StepDialog({ agreement, step, onClose }: { agreement: Agreement; step: Step; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const name = useOrganisationName()
  const { organisation } = useSession()
  const { say } = useToasts()
  const [reason, setReason] = useState('')
  const needsReason = STATE[step] !== 'signed'
  const send = useMutation({
    mutationFn: () => takeStep(agreement.id, { state: STATE[step], hash: agreement.hash, ...(reason.trim() === '' ? {} : { reason }) }),
    onSuccess: async (now) => {
      client.setQueryData(['agreements', agreement.id], now)
      say(t(`agreements.done.${step}`))
      onClose()
      await client.invalidateQueries({ queryKey: ['agreements'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  if (needsProof(send.error)) return <Prove opened onClose={send.reset} onProved={() => send.mutate()} />
  return (
    <Dialog opened onClose={onClose} title={t(`agreements.steps.${step}`)}>
      <form className={classes.form} onSubmit={submit}>
        <p>{t(`agreements.asking.${step}`, { name: name(organisation.id) })}</p>
        {!needsReason && <p className={classes.hash}>{t('agreements.hashSigned')} <span className="mono">{agreement.hash}</span></p>}
        {needsReason && <Textarea data-autofocus label={t('sharing.reason')} description={t('agreements.reasonHint')} required withAsterisk={false} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />}
        {send.error && <ErrorNote error={send.error} />}
        <div className={classes.acts}>
          <Button type="submit" loading={send.isPending} disabled={needsReason && reason.trim() === ''} {...(needsReason ? {} : { 'data-autofocus': true })}>{t(`agreements.steps.${step}`)}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

function Sides({ agreement }: { agreement: Agreement }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  return (
    <Section id="sides" title={t('agreements.sides')}>
      <ul className={classes.sides}>
        {agreement.sides.map((side) => (
          <li key={side.party}>
            <span>{name(side.party)}</span>
            <span>{t(`agreements.side.${side.state}`)}{side.at == null ? agreement.source === 'file' && side.state === 'signed' && <span className="quiet"> · {t('agreements.byFile')}</span> : <span className="quiet"> · <Ago at={side.at} /></span>}</span>
          </li>
        ))}
      </ul>
    </Section>
  )
}

function History({ agreement }: { agreement: Agreement }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  return (
    <Section id="history" title={t('agreements.history')} aside={t('agreements.historyCount', { count: agreement.history.length + (agreement.drafted == null ? 0 : 1) })}>
      {agreement.history.length === 0 && agreement.drafted == null && <p className="quiet">{t('agreements.noHistory')}</p>}
      <ol className={classes.history}>
        {agreement.history.map((entry) => (
          <li key={`${entry.at} ${entry.party}`}>
            <p><strong>{t(`agreements.did.${entry.state}`)}</strong> {name(entry.party)}{entry.person !== '' && <span className="quiet"> · {entry.person}</span>}</p>
            {entry.reason != null && <p className={classes.reason}>{entry.reason}</p>}
            <p className="quiet"><Both at={entry.at} />{entry.hash !== agreement.hash && ` · ${t('agreements.otherText')}`}</p>
          </li>
        ))}
        {agreement.drafted != null && (
          <li>
            <p><strong>{t('agreements.did.drafted')}</strong> {name(agreement.drafted_by ?? '')}</p>
            <p className="quiet"><Both at={agreement.drafted} /></p>
          </li>
        )}
      </ol>
    </Section>
  )
}
