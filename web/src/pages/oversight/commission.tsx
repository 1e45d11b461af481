import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { askResolution, giveResolution, useOversight, type CommissionDocument, type FrameDocument, type Oversight, type Proposal, type StandingCommission } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'
import { Copy } from '../../components/copy.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { date } from '../../format/time.ts'
import { resolutionFault } from '../../proof/inspect.ts'
import { useJoin } from '../agreements/words.ts'
import { Off } from './authorisations.tsx'
import { Constitute } from './constitute.tsx'
import { Signed } from './decisions.tsx'
import { Digest } from './marks.tsx'
import { useOwnMembership } from './membership.ts'
import classes from './oversight.module.css'
import { Signing } from './signing.tsx'
import { CATEGORY_ORDER, useCategory, useHours } from './words.ts'

/** Who decides, how many together, and within which frame: what everybody compares, and what the commission is asked about itself. */
export function CommissionPart() {
  const { t } = useTranslation()
  const { may } = useSession()
  const oversight = useOversight()
  const own = useOwnMembership()
  if (oversight.error) return <ErrorNote error={oversight.error} retry={() => void oversight.refetch()} />
  if (!oversight.data) return <Waiting lines={10} />
  const { commission, frame, proposals, log_key } = oversight.data
  return (
    <>
      <Off />
      {proposals.map((proposal) => <Asked key={proposal.subject} proposal={proposal} standing={commission ?? null} own={own} />)}
      <div className={classes.halves}>
        <div>
          <Section id="commission" title={t('oversight.commission')} aside={commission && <>{t('oversight.since')} <Ago at={commission.at} /></>}>
            {commission ? <Standing commission={commission} /> : <p className={classes.hint}>{t('oversight.noCommission')}</p>}
          </Section>
          {may.includes('constitute-commission') && <Constitute oversight={oversight.data} />}
        </div>
        <div>
          <Section id="frame" title={t('oversight.frame')} aside={frame && <>{t('oversight.inForceSince')} <Ago at={frame.at} /></>}>
            {frame ? (
              <>
                <FrameText frame={frame.document} />
                <Digest label={t('oversight.frameHash')} told={frame.digest} document={frame.document} />
              </>
            ) : <p className={classes.hint}>{t('oversight.noFrame')}</p>}
          </Section>
          <Section id="log" title={t('oversight.log')}>
            <p className={classes.hint}>{t('oversight.logHint')}</p>
            <p className={classes.digest}><span>{t('oversight.logKey')}</span> <span className="mono">{log_key}</span> <Copy text={log_key} /></p>
          </Section>
          <p className={classes.hint}>{t('oversight.compare')}</p>
        </div>
      </div>
    </>
  )
}

function Standing({ commission }: { commission: StandingCommission }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const { document } = commission
  return (
    <>
      <p className={classes.lead}>{t('oversight.commissionText', { name: document.name, organisation: name(commission.organisation), count: document.members.length, threshold: document.threshold })}</p>
      <Members document={document} />
      <p className={classes.hint}>{t('oversight.site', { site: document.origins.join(' ') })}</p>
      <Digest label={t('oversight.commissionHash')} told={commission.digest} document={document} />
    </>
  )
}

/** The members of a commission; `before`: the one that stands, beside which changes are told. */
function Members({ document, before }: { document: CommissionDocument; before?: CommissionDocument | undefined }) {
  const { t } = useTranslation()
  const known = new Map(before?.members.map((member) => [member.id, member]))
  const leaving = before?.members.filter((member) => !document.members.some((one) => one.id === member.id)) ?? []
  const change = (id: string, passkeys: Record<string, unknown>) => {
    const old = known.get(id)
    if (before === undefined || (old && Object.keys(old.passkeys).sort().join() === Object.keys(passkeys).sort().join())) return null
    return t(old ? 'oversight.otherPasskeys' : 'oversight.joins')
  }
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('oversight.members')}>
      <table className={classes.table}>
        <thead><tr><th scope="col">{t('oversight.member')}</th><th scope="col">{t('oversight.office')}</th><th scope="col" data-number>{t('oversight.passkeys')}</th></tr></thead>
        <tbody>
          {document.members.map((member) => (
            <tr key={member.id}>
              <th scope="row">{member.name}{change(member.id, member.passkeys) !== null && <strong className={classes.sub}>{change(member.id, member.passkeys)}</strong>}</th>
              <td className={classes.nowrap}>{date(member.from, 'JST')} – {date(Date.parse(member.until) - 1, 'JST')}</td>
              <td data-number>{Object.keys(member.passkeys).length}</td>
            </tr>
          ))}
          {leaving.map((member) => <tr key={member.id}><th scope="row">{member.name}<strong className={classes.sub}>{t('oversight.leaves')}</strong></th><td /><td /></tr>)}
        </tbody>
      </table>
    </div>
  )
}

/** A frame in words: which measures there are, on which ground, for how long, within which limits. */
function FrameText({ frame }: { frame: FrameDocument }) {
  const { t } = useTranslation()
  const category = useCategory()
  const hours = useHours()
  const rows = CATEGORY_ORDER.flatMap((name) => { const rule = frame.categories[name]; return rule ? [[name, rule] as const] : [] })
  return (
    <>
      <p className={classes.because}>{frame.source}</p>
      <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('oversight.measures')}>
        <table className={classes.table}>
          <thead><tr><th scope="col">{t('oversight.measure')}</th><th scope="col">{t('oversight.article')}</th><th scope="col">{t('oversight.longest')}</th></tr></thead>
          <tbody>{rows.map(([name, rule]) => <tr key={name}><th scope="row">{category(name)}</th><td>{rule.article}</td><td className={classes.nowrap}>{hours(rule.hours_max)}</td></tr>)}</tbody>
        </table>
      </div>
      <dl className={classes.terms}>
        <dt>{t('oversight.inEmergency')}</dt><dd>{t('oversight.inEmergencyText', { count: frame.emergency.persons, longest: hours(frame.emergency.hours_max) })}</dd>
        <dt>{t('oversight.limits')}</dt><dd>{t('oversight.limitsText', { indicators: exact(frame.list_max), times: exact(frame.queries_per_day_max) })}</dd>
        <dt>{t('oversight.stopping')}</dt><dd>{t('oversight.stoppingText', { checkpoint: hours(frame.checkpoint_hours_max), unwitnessed: hours(frame.unwitnessed_hours_max) })}</dd>
        <dt>{t('oversight.retentionClasses')}</dt><dd className="mono">{frame.retention_classes.join(', ')}</dd>
      </dl>
    </>
  )
}

/** What the commission is asked about itself or its frame. */
function Asked({ proposal, standing, own }: { proposal: Proposal; standing: StandingCommission | null; own: string | null }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const join = useJoin()
  const [isSigning, setSigning] = useState(false)
  const hasSigned = own !== null && proposal.signed_by.includes(own)
  const done = (now: Oversight) => {
    client.setQueryData(['oversight'], now)
    setSigning(false)
    const left = now.proposals.find((one) => one.subject === proposal.subject)
    say(left ? t('oversight.done.signed', { count: left.signed_by.length, needed: left.needed }) : t(`oversight.done.${proposal.subject}`))
    void client.invalidateQueries({ queryKey: ['authorisations'] })
  }
  return (
    <div className={classes.proposal}>
      <Section id={`proposed-${proposal.subject}`} title={t(`oversight.proposed.${proposal.subject}`)} aside={t('oversight.notInForce')}>
        {proposal.subject === 'frame' ? <FrameText frame={proposal.document} /> : (
          <>
            <p className={classes.lead}>{t('oversight.commissionProposed', { name: proposal.document.name, count: proposal.document.members.length, threshold: proposal.document.threshold })}</p>
            <Members document={proposal.document} before={standing?.document} />
          </>
        )}
        <Digest label={t(`oversight.${proposal.subject}Hash`)} told={proposal.digest} document={proposal.document} />
        {proposal.needed > 0 ? <Signed count={proposal.signed_by.length} of={proposal.needed} label={t('oversight.signedOf', { count: proposal.signed_by.length, needed: proposal.needed })} /> : <p className={classes.hint}>{t('oversight.frameWaits')}</p>}
        {proposal.signed_by.length > 0 && <p className="quiet">{join(proposal.signed_by)}</p>}
        {own !== null && (hasSigned ? <p className="quiet">{t('oversight.youSigned')}</p> : <div className={classes.acts}><Button size="sm" onClick={() => setSigning(true)}>{t(`oversight.resolve.${proposal.subject}`)}</Button></div>)}
      </Section>
      {isSigning && (
        <Signing
          title={t(`oversight.resolve.${proposal.subject}`)}
          act={t(`oversight.resolve.${proposal.subject}`)}
          reason="optional"
          begin={(reason) => askResolution({ subject: proposal.subject, digest: proposal.digest, reason })}
          check={({ document, options }) => resolutionFault(document, options.challenge, { subject: proposal.subject, document: proposal.document })}
          finish={giveResolution}
          onDone={done}
          onClose={() => { setSigning(false); void client.invalidateQueries({ queryKey: ['oversight'] }) }}
        >
          <p>{t(`oversight.resolving.${proposal.subject}`)}</p>
        </Signing>
      )}
    </div>
  )
}

