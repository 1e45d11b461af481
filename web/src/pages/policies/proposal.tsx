import { Button, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { decide, usePolicyProposal, type Decision, type PoliciesInForce, type PolicyFile, type PolicyEffect, type PolicyExample, type PolicyFindings, type PolicyProposal } from '../../api/policies.ts'
import { useSession } from '../../api/session.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { Diff } from './diff.tsx'
import classes from './policies.module.css'

/** One proposal: who gains and who loses, what changes in the files, and the decision. */
export function ProposalView({ id, now }: { id: string; now: PoliciesInForce }) {
  const { t } = useTranslation()
  const proposal = usePolicyProposal(id)
  const back = <p><Link className="text-link" to="/administration/policies">{t('policyChange.back')}</Link></p>
  if (proposal.error) return <>{back}<ErrorNote error={proposal.error} retry={() => void proposal.refetch()} /></>
  if (!proposal.data) return <Waiting lines={10} />
  const one = proposal.data
  const who = (account: string, name: string | null | undefined) => (account === 'node' ? t('policyChange.node') : name ?? account)
  return (
    <>
      {back}
      <h2 className={classes.title}>{one.reason}</h2>
      <p className={classes.state}>
        <strong>{t(`policyChange.states.${one.state}`)}</strong>
        <span>{t('policyChange.proposedBy', { name: who(one.proposer, one.proposer_name) })} · <Ago at={one.proposed} /></span>
        {one.decider != null && one.decided != null && <span>{t('policyChange.decidedBy', { name: who(one.decider, one.decider_name) })} · <Ago at={one.decided} /></span>}
        <span>{t('policyChange.set')} <code title={one.set}>{one.set.slice(0, 16)}</code></span>
      </p>
      {one.answer != null && one.answer !== '' && <p>{one.answer}</p>}
      {one.state === 'open' && <Decide one={one} isOvertaken={one.base !== now.set} />}
      <Section id="effects" title={t('policyChange.effects')}><Effects findings={one.findings} /></Section>
      <Section id="safety" title={t('policyChange.safety')}><Safety findings={one.findings} /></Section>
      {one.state === 'open' && one.files != null && <Section id="changes" title={t('policyChange.changes')}><Diff {...changed(now.files, one.files)} /></Section>}
    </>
  )
}

/** The program's own schema and clearances count where a set brings none: that they are not there is no change. */
function changed(before: PolicyFile[], after: PolicyFile[]) {
  const isMeant = (file: PolicyFile) => file.name.endsWith('.cedar') || (file.name.endsWith('.toml') && after.some((other) => other.name === file.name))
  return { before: before.filter(isMeant), after: after.filter(isMeant) }
}

/** What was tried, and what was proved where the hub has a prover. */
function Safety({ findings }: { findings: PolicyFindings }) {
  const { t, i18n } = useTranslation()
  const { proof } = findings
  const told = (words: { ja: string; en: string }) => (i18n.language === 'ja' ? words.ja : words.en)
  return (
    <>
      <p>{t('policyChange.tried', { text: exact(findings.tried) })} {proof == null && t('policyChange.onlyTried')}</p>
      {proof != null && (
        <>
          <p>{proof.within_safety === 'proved' ? t('policyChange.proved', { text: exact(proof.environments) }) : t('policyChange.notProved', { why: proof.why ?? '' })}</p>
          {proof.environments > 0 && (
            <>
              <p>{t(`policyChange.compared.${proof.compared}`)}</p>
              {proof.gained != null && <p>{t('policyChange.gainedExample', { text: told(proof.gained) })}</p>}
              {proof.lost != null && <p>{t('policyChange.lostExample', { text: told(proof.lost) })}</p>}
              <p>{proof.may_fail.length > 0 ? t('policyChange.mayFail', { names: proof.may_fail.join(', ') }) : t('policyChange.neverFails')}</p>
            </>
          )}
        </>
      )}
    </>
  )
}

function Effects({ findings }: { findings: PolicyFindings }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const { effects } = findings
  const counted = t(findings.all_purposes ? 'policyChange.counted' : 'policyChange.countedUsual', { readers: exact(findings.readers), labels: exact(findings.labels), objects: exact(findings.objects) })
  if (effects.length === 0) return <><p>{t('policyChange.nobody')}</p><p className={classes.quiet}>{counted}</p></>
  return (
    <>
      <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('policyChange.effects')}>
        <table className={classes.table}>
          <thead><tr><th>{t('policyChange.reader')}</th><th>{t('common.organisation')}</th><th className={classes.number}>{t('policyChange.gains')}</th><th className={classes.number}>{t('policyChange.loses')}</th><th>{t('policyChange.what')}</th></tr></thead>
          <tbody>
            {effects.map((effect) => (
              <tr key={`${effect.kind} ${effect.organisation_role} ${effect.roles.join(' ')}`}>
                <th scope="row">{t(`policyChange.readers.${effect.kind}`)} · {t(`organisationRoles.${effect.organisation_role}`)}{effect.roles.length > 0 && <><br /><span className={classes.quiet}>{effect.roles.map((role) => t(`roles.${role}`, { defaultValue: role })).join(' · ')}</span></>}</th>
                <td>{effect.organisations.map((id) => name(id)).join(' · ')}{effect.organisation_count > effect.organisations.length && ` … (${exact(effect.organisation_count)})`}<br /><span className={classes.quiet}>{t('policyChange.readerCount', { count: effect.readers, text: exact(effect.readers) })}</span></td>
                <td className={classes.number}>{effect.gained > 0 ? <span className={classes.gained}>+{exact(effect.gained)}</span> : '0'}</td>
                <td className={classes.number}>{effect.lost > 0 ? <span className={classes.lost}>−{exact(effect.lost)}</span> : '0'}</td>
                <td><What effect={effect} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {findings.effects_left > 0 && <p className={classes.quiet}>{t('policyChange.left', { text: exact(findings.effects_left) })}</p>}
      <p className={classes.quiet}>{counted}</p>
    </>
  )
}

/** Of what, and what they may do and be given for. */
function What({ effect }: { effect: PolicyEffect }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const example = (one: PolicyExample) => t('policyChange.example', { tlp: one.tlp === 'unmarked' ? t('policyChange.unmarked') : `TLP:${one.tlp.toUpperCase()}`, kind: t(`classes.${one.class}`, { defaultValue: one.class }), originator: name(one.originator), objects: exact(one.objects) })
  const lists: [string, string[]][] = [
    ['+', effect.gained_examples.map(example)],
    ['−', effect.lost_examples.map(example)],
    ['+', [...effect.may_now.map((act) => t(`policyChange.acts.${act}`, { defaultValue: act })), ...effect.purposes_gained.map((purpose) => t(`purposes.${purpose}`))]],
    ['−', [...effect.may_no_more.map((act) => t(`policyChange.acts.${act}`, { defaultValue: act })), ...effect.purposes_lost.map((purpose) => t(`purposes.${purpose}`))]],
  ]
  return lists.flatMap(([sign, texts]) => texts.map((text) => <div key={`${sign} ${text}`}>{sign} {text}</div>))
}

function Decide({ one, isOvertaken }: { one: PolicyProposal; isOvertaken: boolean }) {
  const { t } = useTranslation()
  const { person } = useSession()
  const [decision, setDecision] = useState<Decision | null>(null)
  const isOwn = one.proposer === person.id
  return (
    <>
      <p className={classes.quiet}>{t(isOvertaken ? 'policyChange.overtaken' : isOwn ? 'policyChange.ownHint' : 'policyChange.otherHint')} {t('policyChange.expires')} <Ago at={one.expires} /></p>
      <div className={classes.acts}>
        {!isOwn && !isOvertaken && <Button size="xs" onClick={() => setDecision('approve')}>{t('policyChange.decisions.approve')}</Button>}
        <Button size="xs" variant="default" onClick={() => setDecision(isOwn ? 'withdraw' : 'refuse')}>{t(isOwn ? 'policyChange.decisions.withdraw' : 'policyChange.decisions.refuse')}</Button>
      </div>
      {decision !== null && <Answer one={one} decision={decision} onClose={() => setDecision(null)} />}
    </>
  )
}

function Answer({ one, decision, onClose }: { one: PolicyProposal; decision: Decision; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [text, setText] = useState('')
  const send = useMutation({
    mutationFn: () => decide(one.id, decision, one.set, text.trim()),
    onSuccess: async () => {
      say(t(`policyChange.done.${decision}`))
      onClose()
      await Promise.all(['policy-proposals', 'policies', 'session'].map((key) => client.invalidateQueries({ queryKey: [key] })))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  if (needsProof(send.error)) return <Prove opened onClose={send.reset} onProved={() => send.mutate()} />
  return (
    <Dialog opened onClose={onClose} title={t(`policyChange.decisions.${decision}`)}>
      <form className={classes.form} onSubmit={submit}>
        <p>{t(`policyChange.asking.${decision}`)}</p>
        {decision === 'approve' && <p>{t('policyChange.set')} <code>{one.set}</code></p>}
        <Textarea data-autofocus label={t('policyChange.answer')} autosize minRows={2} maxLength={2000} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        {send.error && <ErrorNote error={send.error} />}
        <div className={classes.acts}>
          <Button type="submit" loading={send.isPending}>{t(`policyChange.decisions.${decision}`)}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}
