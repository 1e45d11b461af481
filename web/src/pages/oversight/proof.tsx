import { Button, Textarea } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { logFile, useAuthorisation, useOversight, useReceipts, type Authorisation, type AuthorisationEntry, type CheckedReceipt, type Oversight } from '../../api/oversight.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page } from '../../components/page.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { canVerify, toHex } from '../../proof/bytes.ts'
import { checkCommitment, checkDecision, checkPlace, isRecordOf, readEntry, readRecord, verdict, type Committed, type Outcome, type Place, type SignedBy } from '../../proof/inspect.ts'
import { readKey, type VerifierKey } from '../../proof/note.ts'
import { Breakable, Tick } from './marks.tsx'
import classes from './oversight.module.css'
import steps from './proof.module.css'
import { useBase } from './words.ts'

interface Inspection {
  committed: Committed | null
  signed: SignedBy | null
  place: Place
  keys: VerifierKey[]
}

/** One record of the log of authorisations, and its proof step by step. What is ticked was computed by this browser. */
export default function ProofPage() {
  const { t } = useTranslation()
  const base = useBase()
  const { id = '', leaf = '' } = useParams()
  const authorisation = useAuthorisation(id)
  const oversight = useOversight()
  const number = Number(leaf)
  const entry = authorisation.data?.history.find((one) => one.leaf === number) ?? null
  const receipts = useReceipts(id, authorisation.data !== undefined && entry === null)
  const receipt = receipts.data?.pages.flatMap((page) => page.receipts).find((one) => one.leaf === number) ?? null
  const above = <Link to={`${base}/authorisations/${id}`} className="text-link">{t('oversight.authorisation')}</Link>
  const title = t('oversight.proof.title', { leaf })
  const error = authorisation.error ?? oversight.error ?? receipts.error
  if (error) return <Page title={title} above={above}><ErrorNote error={error} /></Page>
  if (!canVerify()) return <Page title={title} above={above}><p className={classes.warning} role="alert">{t('oversight.proof.noCrypto')}</p></Page>
  if (!authorisation.data || !oversight.data || (entry === null && receipts.isPending)) return <Page title={title} above={above}><Waiting lines={10} /></Page>
  if (entry === null && receipt === null) return <Page title={title} above={above}><p>{t('oversight.proof.unknown')}</p></Page>
  return <Page title={title} above={above}><Inspect authorisation={authorisation.data} oversight={oversight.data} entry={entry} receipt={receipt} leaf={number} /></Page>
}

interface InspectProps {
  authorisation: Authorisation
  oversight: Oversight
  entry: AuthorisationEntry | null
  receipt: CheckedReceipt | null
  leaf: number
}

function Inspect({ authorisation, oversight, entry, receipt, leaf }: InspectProps) {
  const { t } = useTranslation()
  const [witnesses, setWitnesses] = useLocalStorage({ key: 'yagura.witness-keys', defaultValue: '' })
  const commission = oversight.commission?.document
  // A receipt is the record of its entry.
  const given = entry ?? receipt
  const inspected = useQuery({
    queryKey: ['proof', authorisation.id, leaf, oversight.log_key, oversight.commission?.digest, witnesses],
    queryFn: async (): Promise<Inspection> => {
      const keys = (await Promise.all(witnesses.split(/\s+/u).filter((key) => key !== '').map(readKey))).filter((key) => key !== null)
      const record = entry && readRecord(entry.record)
      return {
        keys,
        committed: given && await checkCommitment(given.entry, given.salt, given.record),
        signed: record && commission ? await checkDecision(record, commission) : null,
        place: await checkPlace(leaf, given?.entry ?? null, oversight.log_key, logFile, keys),
      }
    },
    staleTime: 0,
    gcTime: 0,
    // The newest entries are published a moment after they are written.
    refetchInterval: (query) => (query.state.data?.place.trouble === 'not-yet' ? 2000 : false),
  })
  if (inspected.error) return <ErrorNote error={inspected.error} retry={() => void inspected.refetch()} />
  if (!inspected.data) return <Waiting lines={10} />
  const { committed, signed, place, keys } = inspected.data
  const outcomes = outcomesOf(inspected.data, receipt)
  const word = verdict(outcomes)
  return (
    <>
      <div className={steps.verdict} data-verdict={word} role="status">
        <Tick outcome={word === 'holds' ? true : word === 'wrong' ? false : null} word={t(`oversight.proof.verdict.${word}`)} />
        <span className="quiet">{t('common.asOf')} <Ago at={new Date(inspected.dataUpdatedAt).toISOString()} /></span>
        <Button size="compact-xs" variant="default" loading={inspected.isFetching} onClick={() => void inspected.refetch()}>{t('oversight.proof.again')}</Button>
      </div>
      <p className={classes.intro}>{t('oversight.proof.intro')}</p>
      <ol className={steps.steps}>
        {entry && <RecordStep entry={entry} />}
        {receipt && <ReceiptStep receipt={receipt} />}
        {signed && <SignaturesStep signed={signed} />}
        {committed && given && <CommitmentStep committed={committed} salt={given.salt} isOf={receipt && isRecordOf(given.record, receipt.receipt)} />}
        <EntryStep place={place} given={given} grant={authorisation.grant_leaf ?? null} isReceipt={receipt !== null} />
        <LeafStep place={place} />
        <PathStepRow place={place} />
        <RootStep place={place} />
        <CheckpointStep place={place} />
        <CosignaturesStep place={place} keys={keys} text={witnesses} onText={setWitnesses} />
      </ol>
    </>
  )
}

/** What the verdict rests on. Cosignatures of witnesses whose keys nobody gave us are told of, and not counted. */
function outcomesOf({ committed, signed, place }: Inspection, receipt: CheckedReceipt | null): Outcome[] {
  return [
    ...(committed ? [committed.holds] : []),
    ...(signed ? [signed.isOfTerms, ...signed.signers.map(({ fault }) => (fault === null ? true : fault === 'stranger' || fault === 'browser' ? null : false))] : []),
    ...(receipt ? [receipt.isSigned, isUseOf(place, receipt), isRecordOf(receipt.record, receipt.receipt)] : []),
    place.isSame, place.isRoot, place.isSigned, ...place.cosignatures.map(({ holds }) => holds).filter((holds) => holds !== null),
  ]
}

/** Whether the log says at this place that a use followed the grant. */
function isUseOf(place: Place, receipt: CheckedReceipt): Outcome {
  const entry = place.published === null ? null : readEntry(place.published)
  return entry === null ? null : entry.kind === 'use' && entry.of === receipt.receipt.used.grant
}

function Step({ name, outcome, children, hint }: { name: string; outcome?: Outcome | undefined; children: ReactNode; hint?: string }) {
  const { t } = useTranslation()
  return (
    <li className={steps.step} data-step={name}>
      <div className={steps.stepHead}><h2>{t(`oversight.proof.${name}.title`)}</h2>{outcome !== undefined && <Tick outcome={outcome} />}</div>
      <p className={classes.hint}>{hint ?? t(`oversight.proof.${name}.hint`)}</p>
      {children}
    </li>
  )
}

const Value = ({ label, children }: { label: string; children: ReactNode }) => <p className={steps.value}><span>{label}</span><span className="mono">{children}</span></p>

function RecordStep({ entry }: { entry: AuthorisationEntry }) {
  const { t } = useTranslation()
  return (
    <Step name="record">
      <p><strong>{t(`oversight.did.${entry.kind}`, { defaultValue: entry.kind })}</strong> · <Both at={entry.at} /></p>
      <details><summary>{t('oversight.proof.record.text')}</summary><pre className={classes.words} tabIndex={0} lang="en"><Breakable text={entry.record} /></pre></details>
    </Step>
  )
}

function ReceiptStep({ receipt }: { receipt: CheckedReceipt }) {
  const { t } = useTranslation()
  return (
    <Step name="receipt" outcome={receipt.isSigned}>
      <pre className={classes.words} tabIndex={0} lang="en"><Breakable text={JSON.stringify(receipt.receipt)} /></pre>
      <Value label={t('oversight.proof.receipt.key')}>{receipt.key}</Value>
    </Step>
  )
}

function SignaturesStep({ signed }: { signed: SignedBy }) {
  const { t } = useTranslation()
  return (
    <Step name="decision" outcome={signed.isOfTerms}>
      <Value label={t('oversight.termsHash')}>{signed.terms}</Value>
      <Value label={t('oversight.signing.hash')}>{signed.challenge}</Value>
      <ul className={steps.signers}>
        {signed.signers.map(({ member, fault }, place) => (
          <li key={place}><span>{member?.name ?? t('oversight.earlierMembers', { count: 1 })}</span><Tick outcome={fault === null ? true : fault === 'stranger' || fault === 'browser' ? null : false} word={t(fault === null ? 'oversight.proof.decision.holds' : `oversight.proof.fault.${fault}`)} /></li>
        ))}
      </ul>
    </Step>
  )
}

/** `isOf`: of a receipt, whether the record is the one that is shown. */
function CommitmentStep({ committed, salt, isOf }: { committed: Committed; salt: string; isOf: boolean | null }) {
  const { t } = useTranslation()
  return (
    <Step name="commitment" outcome={isOf === false ? false : committed.holds}>
      <Value label={t('oversight.proof.commitment.salt')}>{salt}</Value>
      <Value label={t('oversight.proof.computed')}>{committed.commitment}</Value>
      <Value label={t('oversight.proof.commitment.told')}>{committed.told}</Value>
    </Step>
  )
}

function EntryStep({ place, given, grant, isReceipt }: { place: Place; given: { entry: string } | null; grant: number | null; isReceipt: boolean }) {
  const { t } = useTranslation()
  const read = place.published === null ? null : readEntry(place.published)
  const isUse = read === null ? null : read.kind === 'use' && read.of === grant
  const outcome = isReceipt && place.isSame === true ? isUse : place.isSame
  return (
    <Step name="entry" outcome={outcome} hint={t(isReceipt ? 'oversight.proof.entry.hintUse' : 'oversight.proof.entry.hint', { leaf: place.index })}>
      {place.trouble !== null && <p className={classes.warning} role="alert">{t(`oversight.proof.trouble.${place.trouble}`)}</p>}
      <pre className={classes.words} tabIndex={0} lang="en"><Breakable text={place.published ?? given?.entry ?? '–'} /></pre>
    </Step>
  )
}

function LeafStep({ place }: { place: Place }) {
  const { t } = useTranslation()
  return <Step name="leaf"><Value label={t('oversight.proof.computed')}>{place.leaf === '' ? '–' : place.leaf}</Value></Step>
}

function PathStepRow({ place }: { place: Place }) {
  const { t } = useTranslation()
  return (
    <Step name="path" hint={t('oversight.proof.path.hint', { index: place.index, size: place.size })}>
      {place.path.length === 0 ? <p className={classes.hint}>{t('oversight.proof.path.none')}</p> : (
        <ol className={steps.path}>
          {place.path.map((step, level) => (
            <li key={level}>
              <Value label={t(step.side === 'left' ? 'oversight.proof.path.left' : 'oversight.proof.path.right', { level: level + 1 })}>{toHex(step.beside)}</Value>
              <Value label={t('oversight.proof.path.gives')}>{toHex(step.hash)}</Value>
            </li>
          ))}
        </ol>
      )}
    </Step>
  )
}

function RootStep({ place }: { place: Place }) {
  const { t } = useTranslation()
  return (
    <Step name="root" outcome={place.isRoot}>
      <Value label={t('oversight.proof.computed')}>{place.computed ?? '–'}</Value>
      <Value label={t('oversight.proof.root.told')}>{place.root ?? '–'}</Value>
    </Step>
  )
}

function CheckpointStep({ place }: { place: Place }) {
  const { t } = useTranslation()
  return (
    <Step name="checkpoint" outcome={place.isSigned}>
      <pre className={classes.words} tabIndex={0} lang="en">{place.note}</pre>
      <Value label={t('oversight.logKey')}>{place.key === null ? '–' : place.key.name}</Value>
    </Step>
  )
}

function CosignaturesStep({ place, keys, text, onText }: { place: Place; keys: VerifierKey[]; text: string; onText: (text: string) => void }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState(text)
  return (
    <Step name="cosignatures">
      {place.cosignatures.length === 0 ? <p>{t('oversight.proof.cosignatures.none')}</p> : (
        <ul className={steps.signers}>
          {place.cosignatures.map((one) => (
            <li key={one.name}><span><span className="mono">{one.name}</span>{one.at !== null && <> · <Both at={one.at} /></>}</span><Tick outcome={one.holds} {...(one.holds === null ? { word: t('oversight.proof.cosignatures.noKey') } : {})} /></li>
          ))}
        </ul>
      )}
      <details>
        <summary>{t('oversight.proof.cosignatures.keys', { count: keys.length })}</summary>
        <div className={classes.form}>
          <Textarea label={t('oversight.proof.cosignatures.field')} description={t('oversight.proof.cosignatures.fieldHint')} autosize minRows={2} spellCheck={false} classNames={{ input: classes.code ?? '' }} value={draft} onChange={(event) => setDraft(event.currentTarget.value)} />
          <div><Button size="xs" variant="default" onClick={() => onText(draft.trim())}>{t('oversight.proof.cosignatures.use')}</Button></div>
        </div>
      </details>
    </Step>
  )
}
