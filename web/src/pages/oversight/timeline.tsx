import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useOversight, type Authorisation, type AuthorisationEntry, type CommissionDocument } from '../../api/oversight.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { Both } from '../../components/time.tsx'
import { memberOf } from '../../proof/assertion.ts'
import { readRecord } from '../../proof/inspect.ts'
import { useJoin } from '../agreements/words.ts'
import classes from './oversight.module.css'
import { useBase } from './words.ts'

/** What happened to it, newest first: each step is an entry of the published log, and can be looked at there. */
export function Timeline({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  return (
    <Section id="history" title={t('oversight.history')} aside={t('oversight.historyCount', { count: authorisation.history.length })}>
      <ol className={classes.history}>
        {authorisation.history.toReversed().map((entry) => <li key={entry.leaf} data-kind={entry.kind}><Step authorisation={authorisation} entry={entry} /></li>)}
      </ol>
    </Section>
  )
}

/** The names of those whose passkeys stand under a decision, as the constitution has them. */
export function signersOf(entry: AuthorisationEntry, commission: CommissionDocument | undefined): { names: string[]; unknown: number } {
  const decided = readRecord(entry.record)?.decided
  if (decided === undefined || commission === undefined) return { names: [], unknown: decided?.assertions.length ?? 0 }
  const found = decided.assertions.map((one) => memberOf(one.credential, commission, decided.decision.asked)?.member.name)
  const names = found.flatMap((name) => (name === undefined ? [] : [name]))
  return { names, unknown: found.length - names.length }
}

function Step({ authorisation, entry }: { authorisation: Authorisation; entry: AuthorisationEntry }) {
  const { t } = useTranslation()
  const join = useJoin()
  const name = useOrganisationName()
  const base = useBase()
  const commission = useOversight().data?.commission?.document
  const record = readRecord(entry.record)
  const { names, unknown } = signersOf(entry, commission)
  const reason = record?.decided?.decision.reason ?? record?.withdrawn?.reason ?? ''
  const who = entry.kind === 'request' || entry.kind === 'withdraw' ? name(authorisation.terms.requested_by) : join([...names, ...(unknown > 0 ? [t('oversight.earlierMembers', { count: unknown })] : [])])
  return (
    <>
      <p><strong>{t(`oversight.did.${entry.kind}`, { defaultValue: entry.kind })}</strong> {who}</p>
      {reason !== '' && <p className={classes.because}>{reason}</p>}
      <p className="quiet"><Both at={entry.at} /></p>
      <p><Link className="text-link" to={`${base}/authorisations/${authorisation.id}/entries/${entry.leaf}`}>{t('oversight.inspect', { leaf: entry.leaf })}</Link></p>
    </>
  )
}
