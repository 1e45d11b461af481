import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { askDecision, giveDecision, useOversight, type Authorisation, type Oversight, type Verdict } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { useNow } from '../../input/now.ts'
import { decisionFault } from '../../proof/inspect.ts'
import { useJoin } from '../agreements/words.ts'
import { Emergency } from './marks.tsx'
import { useOwnMembership } from './membership.ts'
import classes from './oversight.module.css'
import { Signing } from './signing.tsx'
import { standingOf } from './standing.ts'
import { useCategory } from './words.ts'

const STOPS = new Set<Verdict>(['refuse', 'suspend', 'revoke'])

/** How many commissioners it takes, as the constitution and the frame have it. */
export function needed(oversight: Oversight | undefined, authorisation: Authorisation, verdict: Verdict): number | null {
  if (STOPS.has(verdict)) return 1
  if (!oversight?.commission || !oversight.frame) return null
  const isShort = verdict === 'grant' && authorisation.terms.kind === 'emergency'
  return Math.max(2, isShort ? oversight.frame.document.emergency.persons : oversight.commission.threshold)
}

/** What waits for the reader, and what the reader may do. */
export function Decisions({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const { organisation } = useSession()
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const own = useOwnMembership()
  const oversight = useOversight()
  const { pending, may } = authorisation
  const isCommission = oversight.data?.commission?.organisation === organisation.id
  const standing = standingOf(authorisation, useNow(15_000))
  const hasSigned = (which: Verdict) => own !== null && pending?.verdict === which && pending.signed_by.includes(own)
  const open = may.filter((one) => !hasSigned(one) && !((standing === 'lapsed' || standing === 'over') && (one === 'grant' || one === 'resume')))
  return (
    <Section id="decision" title={t('oversight.decision')}>
      <p className={classes.stand}><strong>{t(`oversight.standing.${standing}`)}</strong><span className="quiet"><Ago at={authorisation.changed} /></span></p>
      <p className={classes.hint}>{t(`oversight.standingHint.${standing}`)}</p>
      {pending != null && <Pending authorisation={authorisation} />}
      {pending == null && standing === 'requested' && isCommission && <p className={classes.hint}>{t('oversight.needs', { count: needed(oversight.data, authorisation, 'grant') ?? 0 })}</p>}
      {open.length > 0 && (
        <div className={classes.acts}>
          {open.map((one) => <Button key={one} size="sm" variant={one === 'grant' || one === 'resume' ? 'filled' : 'default'} onClick={() => setVerdict(one)}>{t(`oversight.act.${one}`)}</Button>)}
        </div>
      )}
      {isCommission && own === null && <p className="quiet">{t('oversight.noMember')}</p>}
      {verdict !== null && <Decide authorisation={authorisation} verdict={verdict} onClose={() => setVerdict(null)} />}
    </Section>
  )
}

/** A decision that some have signed: how many of how many, and who. */
function Pending({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const join = useJoin()
  const { pending } = authorisation
  if (pending == null) return null
  return (
    <div className={classes.pending}>
      <Signed count={pending.signed_by.length} of={pending.needed} label={t(`oversight.pending.${pending.verdict}`, { count: pending.signed_by.length, needed: pending.needed })} />
      <p>{join(pending.signed_by)} <span className="quiet">· <Ago at={pending.asked} /></span></p>
      {pending.reason !== '' && <p className={classes.because}>{pending.reason}</p>}
    </div>
  )
}

/** Signatures as dots, full ones first, with the number in words. */
export function Signed({ count, of, label }: { count: number; of: number; label: string }) {
  return (
    <p className={classes.signatures}>
      <span className={classes.dots} aria-hidden>{Array.from({ length: of }, (_, place) => <span key={place} data-full={place < count || undefined} />)}</span>
      <strong>{label}</strong>
    </p>
  )
}

function Decide({ authorisation, verdict, onClose }: { authorisation: Authorisation; verdict: Verdict; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const name = useOrganisationName()
  const join = useJoin()
  const category = useCategory()
  const { say } = useToasts()
  const { terms } = authorisation
  const done = async (now: Authorisation) => {
    client.setQueryData(['authorisations', 'one', now.id], now)
    onClose()
    say(now.pending?.verdict === verdict ? t('oversight.done.signed', { count: now.pending.signed_by.length, needed: now.pending.needed }) : t(`oversight.done.${verdict}`))
    await client.invalidateQueries({ queryKey: ['authorisations'] })
  }
  return (
    <Signing
      title={t(`oversight.act.${verdict}`)}
      act={t(`oversight.act.${verdict}`)}
      reason={STOPS.has(verdict) ? 'required' : 'optional'}
      begin={(reason) => askDecision(authorisation.id, { verdict, terms: authorisation.terms_hash, reason })}
      check={({ document, options, signed_by }, reason) => (signed_by.length === 0 && document.reason !== reason.trim()
        ? Promise.resolve('document')
        : decisionFault(document, options.challenge, { verdict, authorisation: authorisation.id, terms, request: authorisation.request_leaf, kind: terms.kind }))}
      finish={(challenge, credential) => giveDecision(authorisation.id, challenge, credential)}
      onDone={(now) => void done(now)}
      onClose={() => {
        onClose()
        void client.invalidateQueries({ queryKey: ['authorisations'] })
      }}
    >
      <p>{t(`oversight.asking.${verdict}`, { who: name(terms.requested_by), operators: join(terms.operators.map(name)), category: category(terms.category, terms.article) })}</p>
      {terms.kind === 'emergency' && <p><Emergency /> {t('oversight.emergencyText')}</p>}
    </Signing>
  )
}
