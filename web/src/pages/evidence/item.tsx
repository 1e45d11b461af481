import { Button, Menu } from '@mantine/core'
import { ChevronDown, Printer } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { answerOffer, dispose, hold, lift, useEvidence, useEvidenceOf, type Evidence, type EvidenceItem } from '../../api/evidence.ts'
import { useMay } from '../../api/session.ts'
import { Copy } from '../../components/copy.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { bytes, exact } from '../../format/number.ts'
import { Act } from './act.tsx'
import { Resume } from './add.tsx'
import { Custody } from './custody.tsx'
import { AboveEvidence } from './evidence.tsx'
import classes from './evidence.module.css'
import { Offer, Relabel } from './hands.tsx'
import { Audience } from './label-choice.tsx'
import { Mark } from './mark.tsx'
import { Download, Export } from './take.tsx'
import { useCaseHead, type CaseHead } from './use-case-head.ts'
import { itemTone, usePartyName } from './words.ts'

/** One item: what it is, whose hands it went through, and what one may do with it. */
export default function EvidenceItemPage() {
  const { t } = useTranslation()
  const { id = '', item = '' } = useParams()
  const of = useCaseHead(id)
  const one = useEvidence(item)
  const above = of.data ? <AboveEvidence of={of.data} item /> : <Link className="text-link" to={`/cases/${id}/evidence`}>{t('evidence.evidence')}</Link>
  const error = one.error ?? of.error
  if (error && !one.data) return <Page title={t('evidence.evidence')} above={above}><ErrorNote error={error} retry={() => void one.refetch()} /></Page>
  if (!one.data || !of.data) return <Page title={t('evidence.evidence')} above={above}><Waiting lines={10} /></Page>
  return <Loaded key={item} of={of.data} one={one.data} />
}

type Asked = 'download' | 'export' | 'offer' | 'accept' | 'decline' | 'withdraw' | 'label' | 'hold' | 'dispose' | 'upload'

function Loaded({ of, one }: { of: CaseHead; one: Evidence }) {
  const { t } = useTranslation()
  const [asked, setAsked] = useState<Asked | null>(null)
  const { item } = one
  return (
    <Page
      title={item.name}
      above={<AboveEvidence of={of} item />}
      aside={<><Mark tone={itemTone(item)} word={t(`evidence.states.${item.state}`)} /> <Marking marking={{ tlp: item.label.tlp, statements: [] }} /></>}
      actions={<Actions item={item} ask={setAsked} />}
    >
      {item.offer && <OfferNote item={item} ask={setAsked} />}
      <div className={classes.columns}>
        <div>
          <Facts item={item} />
          <Custody of={item.case} entries={one.custody} />
        </div>
        <aside aria-label={t('evidence.holds')}><Holds one={one} ask={setAsked} /></aside>
      </div>
      <Asking asked={asked} of={of} item={item} onClose={() => setAsked(null)} />
    </Page>
  )
}

function Actions({ item, ask }: { item: EvidenceItem; ask: (what: Asked) => void }) {
  const { t } = useTranslation()
  const mayHandle = useMay('handle-evidence')
  const may = (what: Asked) => item.may.includes(what)
  const rest = (['offer', 'label', 'hold', 'dispose'] as const).filter(may)
  return (
    <>
      {may('upload') && <Button size="xs" onClick={() => ask('upload')}>{t('evidence.sendContent')}</Button>}
      {may('download') && <Button size="xs" onClick={() => ask('download')}>{t('evidence.download')}</Button>}
      {mayHandle && item.state !== 'announced' && <Button size="xs" variant="default" onClick={() => ask('export')}>{t('evidence.export')}</Button>}
      {rest.length > 0 && (
        <Menu position="bottom-end">
          <Menu.Target><Button size="xs" variant="default" rightSection={<ChevronDown size={14} aria-hidden />}>{t('evidence.moreActs')}</Button></Menu.Target>
          <Menu.Dropdown>{rest.map((what) => <Menu.Item key={what} {...(what === 'dispose' ? { color: 'red' } : {})} onClick={() => ask(what)}>{t(`evidence.act.${what}`)}</Menu.Item>)}</Menu.Dropdown>
        </Menu>
      )}
      <Button size="xs" variant="default" leftSection={<Printer size={14} aria-hidden />} onClick={() => window.print()}>{t('evidence.print')}</Button>
    </>
  )
}

function OfferNote({ item, ask }: { item: EvidenceItem; ask: (what: Asked) => void }) {
  const { t } = useTranslation()
  const party = usePartyName()
  if (!item.offer) return null
  const answers = (['accept', 'decline', 'withdraw'] as const).filter((what) => item.may.includes(what))
  return (
    <div className={classes.offer} role="note">
      <p>{t('evidence.offeredTo', { from: party(item.custodian), to: party(item.offer.to) })} <Ago at={item.offer.at} /></p>
      <div className={classes.buttons}>{answers.map((what) => <Button key={what} size="xs" variant={what === 'accept' ? 'filled' : 'default'} onClick={() => ask(what)}>{t(`evidence.act.${what}`)}</Button>)}</div>
    </div>
  )
}

function Asking({ asked, of, item, onClose }: { asked: Asked | null; of: CaseHead; item: EvidenceItem; onClose: () => void }) {
  const { t } = useTranslation()
  const audiences = useEvidenceOf(of.id).data?.pages[0]?.audiences ?? {}
  switch (asked) {
    case null: return null
    case 'download': return <Download item={item} onClose={onClose} />
    case 'export': return <Export of={of.id} items={[item.id]} onClose={onClose} />
    case 'upload': return <Resume item={item} onClose={onClose} />
    case 'offer': return <Offer item={item} onClose={onClose} />
    case 'label': return <Relabel item={item} least={of.marking.tlp ?? 'red'} audiences={audiences} onClose={onClose} />
    case 'hold':
      return (
        <Act onClose={onClose} title={t('evidence.act.hold')} act={t('evidence.holdNow')} said={t('evidence.nowHeld')} basis="must" run={({ reason, legalBasis }) => hold(item.id, { reason, legal_basis: legalBasis })}>
          <p>{t('evidence.holdHint')}</p>
        </Act>
      )
    case 'dispose':
      return (
        <Act onClose={onClose} title={t('evidence.act.dispose')} act={t('evidence.disposeNow')} said={t('evidence.nowDisposed')} basis="must" destroys run={({ reason, legalBasis }) => dispose(item.id, { reason, legal_basis: legalBasis })}>
          <p>{t('evidence.disposeHint')}</p>
        </Act>
      )
    default:
      return (
        <Act onClose={onClose} title={t(`evidence.act.${asked}`)} act={t(`evidence.act.${asked}`)} said={t(`evidence.answered.${asked}`)} reasonLabel={t(asked === 'accept' ? 'evidence.condition' : 'evidence.reason')} run={({ reason }) => answerOffer(item.id, { answer: asked, reason })}>
          {asked === 'accept' && <p>{t('evidence.acceptHint')}</p>}
        </Act>
      )
  }
}

function Facts({ item }: { item: EvidenceItem }) {
  const { t } = useTranslation()
  const party = usePartyName()
  return (
    <dl className={classes.facts}>
      <div className={classes.wide}><dt>{t('evidence.description')}</dt><dd className="prose">{item.description}</dd></div>
      <div><dt>{t('evidence.kind')}</dt><dd>{t(`evidence.kinds.${item.kind}`, { defaultValue: item.kind })}</dd></div>
      <div><dt>{t('evidence.collector')}</dt><dd>{item.collector}</dd></div>
      <div><dt>{t('evidence.seizedAt')}</dt><dd>{item.seized_at}</dd></div>
      <div><dt>{t('evidence.seizedWhere')}</dt><dd>{item.seized_where}</dd></div>
      <div><dt>{t('evidence.column.custodian')}</dt><dd>{party(item.custodian)}</dd></div>
      <div><dt>{t('evidence.for')}</dt><dd><Audience of={item.case} label={item.label} /></dd></div>
      {item.size != null && <div><dt>{t('evidence.column.size')}</dt><dd>{bytes(item.size)} <span className="quiet">({t('evidence.bytes', { text: exact(item.size) })})</span></dd></div>}
      {item.received != null && <div><dt>{t('evidence.column.received')}</dt><dd><Both at={item.received} /></dd></div>}
      <Hash name="SHA-256" value={item.sha256} />
      <Hash name="SHA3-256" value={item.sha3_256} />
    </dl>
  )
}

function Hash({ name, value }: { name: string; value: string | null | undefined }) {
  if (value == null) return null
  return <div className={classes.wide}><dt>{name}</dt><dd><code className={classes.hash}>{value}</code> <Copy text={value} /></dd></div>
}

function Holds({ one, ask }: { one: Evidence; ask: (what: Asked) => void }) {
  const { t } = useTranslation()
  const party = usePartyName()
  const [lifting, setLifting] = useState<string | null>(null)
  const { item, holds } = one
  const until = item.disposed != null ? <>{t('evidence.states.disposed')}: <Both at={item.disposed} /></> : item.kept_until != null ? <>{t('evidence.keptUntil')}: <Both at={item.kept_until} /></> : t('evidence.keptWithoutEnd')
  return (
    <Section id="holds" title={t('evidence.holds')} aside={item.may.includes('hold') && <Button size="compact-xs" variant="default" onClick={() => ask('hold')}>{t('evidence.act.hold')}</Button>}>
      <p>{until}</p>
      <p className="quiet">{t(item.held ? 'evidence.heldNow' : 'evidence.notHeld')}</p>
      <ul className={classes.list}>
        {holds.map((one) => (
          <li key={one.id} className={classes.item}>
            <span className={classes.head}><Mark tone={one.lifted == null ? 'warn' : 'plain'} word={t(one.lifted == null ? 'evidence.holdStands' : 'evidence.holdLifted')} /> <span>{party(one.by)}</span></span>
            <Both at={one.set} />
            <span>{one.reason}</span>
            <span className="quiet">{t('evidence.legalBasis')}: {one.legal_basis}</span>
            {one.lifted != null && <span className="quiet">{t('evidence.liftedBy', { name: one.lifted_by ?? '–', reason: one.lift_reason ?? '–' })}</span>}
            {one.lifted == null && item.may.includes('lift') && <div><Button size="compact-xs" variant="default" onClick={() => setLifting(one.id)}>{t('evidence.act.lift')}</Button></div>}
          </li>
        ))}
      </ul>
      {lifting !== null && (
        <Act onClose={() => setLifting(null)} title={t('evidence.act.lift')} act={t('evidence.liftNow')} said={t('evidence.nowLifted')} run={({ reason }) => lift(item.id, lifting, { reason })}>
          <p>{t('evidence.liftHint')}</p>
        </Act>
      )}
    </Section>
  )
}
