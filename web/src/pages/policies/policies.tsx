import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'

import { usePolicies, usePolicyProposals, type PolicyProposal } from '../../api/policies.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import classes from './policies.module.css'
import { ProposalView } from './proposal.tsx'
import { Propose } from './propose.tsx'

/** What is in force, and how it is changed: one proposes, everybody sees what it would do, another approves. */
export function Policies() {
  const { t } = useTranslation()
  const [parameters, setParameters] = useSearchParams()
  const policies = usePolicies()
  const proposal = parameters.get('proposal')
  if (policies.error) return <ErrorNote error={policies.error} retry={() => void policies.refetch()} />
  if (!policies.data) return <Waiting />
  const now = policies.data
  if (proposal !== null) return <ProposalView id={proposal} now={now} />
  if (parameters.has('propose')) return <Propose now={now} onDone={(made) => setParameters({ proposal: made.id })} onClose={() => setParameters({})} />
  const byProposals = now.changes === 'proposals'
  return (
    <>
      <div className={classes.state}>
        <span>{t('policyChange.inForce')} <code title={now.set}>{now.set.slice(0, 16)}</code></span>
        <span className={classes.quiet}>{t('policyChange.since')} <Ago at={now.since} /></span>
        {byProposals ? <Button size="xs" onClick={() => setParameters({ propose: '' })}>{t('policyChange.propose')}</Button> : <span />}
      </div>
      {!byProposals && <p className={classes.quiet}>{t('policyChange.byFolder')}</p>}
      {now.refused != null && <p className={classes.notice} role="alert">{t('policyChange.refused')}<br /><span lang="en">{now.refused}</span></p>}
      {byProposals && <Proposals />}
      <Section id="files" title={t('policyChange.files')}>
        {now.files.map((file) => <Text key={file.name} name={file.name} text={file.text} />)}
      </Section>
      <Section id="safety" title={t('policyChange.safety')}>
        <p className={classes.quiet}>{t('policyChange.safetyHint')}</p>
        <Text name={now.safety.name} text={now.safety.text} />
      </Section>
    </>
  )
}

function Text({ name, text }: { name: string; text: string }) {
  return (
    <details className={classes.file}>
      <summary>{name}</summary>
      <pre className={classes.text} tabIndex={0}>{text}</pre>
    </details>
  )
}

function Proposals() {
  const { t } = useTranslation()
  const proposals = usePolicyProposals()
  if (proposals.error) return <ErrorNote error={proposals.error} retry={() => void proposals.refetch()} />
  if (!proposals.data) return <Waiting />
  const all = proposals.data.proposals
  return (
    <Section id="proposals" title={t('policyChange.proposals')} aside={exact(all.length)}>
      {all.length === 0 ? <Empty title={t('policyChange.none')}>{t('policyChange.noneHint')}</Empty> : (
        <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('policyChange.proposals')}>
          <table className={classes.table}>
            <thead><tr><th>{t('policyChange.reason')}</th><th>{t('policyChange.state')}</th><th>{t('policyChange.by')}</th><th>{t('policyChange.when')}</th><th className={classes.number}>{t('policyChange.gaining')}</th><th className={classes.number}>{t('policyChange.losing')}</th></tr></thead>
            <tbody>{all.map((one) => <Row key={one.id} one={one} />)}</tbody>
          </table>
        </div>
      )}
    </Section>
  )
}

function Row({ one }: { one: PolicyProposal }) {
  const { t } = useTranslation()
  const { effects } = one.findings
  const kinds = (name: 'gained' | 'lost') => effects.filter((effect) => effect[name] > 0).length
  return (
    <tr>
      <th scope="row"><Link className="text-link" to={`/administration/policies?proposal=${one.id}`}>{one.reason}</Link></th>
      <td>{t(`policyChange.states.${one.state}`)}</td>
      <td>{one.proposer === 'node' ? t('policyChange.node') : one.proposer_name ?? one.proposer}</td>
      <td><Ago at={one.proposed} /></td>
      <td className={classes.number}>{t('policyChange.kinds', { count: kinds('gained'), text: exact(kinds('gained')) })}</td>
      <td className={classes.number}>{t('policyChange.kinds', { count: kinds('lost'), text: exact(kinds('lost')) })}</td>
    </tr>
  )
}
