import { Button, Select } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { askRound, auditRound, readFound, readIndicators, useRounds, type Authorisation, type Round } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { Tick } from './marks.tsx'
import classes from './oversight.module.css'

/** The rounds of private matching: to whoever asked what came of them, to the commission their audit, to an operator that there were any. */
export function Rounds({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const { organisation, may } = useSession()
  const rounds = useRounds(authorisation.id)
  const isAsker = authorisation.terms.requested_by === organisation.id
  const isCommission = may.includes('decide-authorisation')
  return (
    <Section id="rounds" title={t('oversight.rounds')} aside={rounds.data && t('oversight.roundsCount', { count: rounds.data.rounds.length, text: exact(rounds.data.rounds.length) })}>
      {isAsker && may.includes('request-authorisation') && authorisation.in_force && <Ask authorisation={authorisation} />}
      {rounds.error ? <ErrorNote error={rounds.error} retry={() => void rounds.refetch()} /> : !rounds.data ? <Waiting lines={2} /> : rounds.data.rounds.length === 0 ? <p className={classes.hint}>{t('oversight.noRounds')}</p> : (
        <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('oversight.rounds')}>
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">{t('oversight.roundAsked')}</th><th scope="col">{t('oversight.operator')}</th><th scope="col">{t('oversight.edge')}</th><th scope="col" data-number>{t('oversight.elements')}</th>
                <th scope="col">{t('oversight.roundState')}</th>{(isAsker || isCommission) && <th scope="col" data-number>{t('oversight.roundFound')}</th>}{isCommission && <th scope="col">{t('oversight.roundAudit')}</th>}{isAsker && <th scope="col" data-act />}
              </tr>
            </thead>
            <tbody>
              {rounds.data.rounds.map((round) => <Row key={round.id} round={round} authorisation={authorisation} isAsker={isAsker} isCommission={isCommission} />)}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  )
}

/** One round a day at each operator; which of its edges holds it, the operator's edges decide. */
function Ask({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const client = useQueryClient()
  const { operators } = authorisation.terms
  const [operator, setOperator] = useState(operators.length === 1 ? operators[0] ?? null : null)
  const ask = useMutation({
    mutationFn: (at: string) => askRound(authorisation.id, at),
    onSuccess: () => client.invalidateQueries({ queryKey: ['authorisations', 'rounds', authorisation.id] }),
  })
  const send = () => { if (operator !== null) ask.mutate(operator) }
  return (
    <>
      <p className={classes.hint}>{t('oversight.roundHint')}</p>
      {ask.error && !needsProof(ask.error) && <ErrorNote error={ask.error} />}
      <div className={classes.acts}>
        <Select size="xs" aria-label={t('oversight.operator')} placeholder={t('oversight.operator')} data={operators.map((value) => ({ value, label: name(value) }))} value={operator} onChange={setOperator} />
        <Button variant="default" size="xs" disabled={operator === null} loading={ask.isPending} onClick={send}>{t('oversight.roundAsk')}</Button>
      </div>
      <Prove opened={needsProof(ask.error)} onClose={ask.reset} onProved={send} />
    </>
  )
}

function Row({ round, authorisation, isAsker, isCommission }: { round: Round; authorisation: Authorisation; isAsker: boolean; isCommission: boolean }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const look = useMutation({
    mutationFn: async () => {
      const found = await readFound(authorisation.id, round.id)
      return { ...found, patterns: found.members.length === 0 ? [] : (await readIndicators(authorisation.id)).patterns }
    },
  })
  const columns = 5 + (isAsker || isCommission ? 1 : 0) + (isCommission ? 1 : 0) + (isAsker ? 1 : 0)
  return (
    <>
      <tr>
        <th scope="row"><Both at={round.asked} /></th>
        <td>{name(round.operator)}</td>
        <td className={`mono ${classes.nowrap}`}>{round.edge ?? '–'}</td>
        <td data-number>{round.elements == null ? '–' : exact(round.elements)}</td>
        <td>{t(`oversight.roundStates.${round.state}`, { defaultValue: round.state })}{round.why != null && <span className={classes.hint}> {round.why}</span>}</td>
        {(isAsker || isCommission) && <td data-number>{round.at_least == null ? '–' : round.at_least === 0 ? '0' : t('oversight.atLeast', { text: exact(round.at_least) })}</td>}
        {isCommission && <td><Audit round={round} authorisation={authorisation} /></td>}
        {isAsker && <td data-act>{round.state === 'matched' && <Button variant="default" size="xs" loading={look.isPending} onClick={() => look.mutate()}>{t('oversight.foundOpen')}</Button>}</td>}
      </tr>
      {look.data && (
        <tr><td colSpan={columns}>
          <p className={classes.hint}>{t('oversight.foundText', { count: look.data.count, text: exact(look.data.count) })} {look.data.cut && t('oversight.foundCut')} {t('oversight.foundRecorded')}</p>
          {look.data.members.length > 0 && <ol className={classes.patterns} tabIndex={0} aria-label={t('oversight.roundFound')}>{look.data.members.map((member) => <li key={member} value={member + 1}><code>{look.data.patterns[member] ?? '–'}</code></li>)}</ol>}
        </td></tr>
      )}
      {look.error && !needsProof(look.error) && <tr><td colSpan={columns}><ErrorNote error={look.error} /></td></tr>}
      <Prove opened={needsProof(look.error)} onClose={look.reset} onProved={() => look.mutate()} />
    </>
  )
}

/** Whether the hub asked for the approved list and nothing else, as the hub works it out; the words say how to do it elsewhere. */
function Audit({ round, authorisation }: { round: Round; authorisation: Authorisation }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const audit = useMutation({
    mutationFn: () => auditRound(authorisation.id, round.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['authorisations', 'rounds', authorisation.id] }),
  })
  if (round.receipt == null) return <span className={classes.hint}>{t('oversight.noRoundReceipt')}</span>
  return (
    <>
      {round.audit && <><Tick outcome={round.audit.verdict === 'good'} word={t(`oversight.verdicts.${round.audit.verdict}`, { defaultValue: round.audit.verdict })} /> <Ago at={round.audit.at} /> </>}
      {audit.error && <ErrorNote error={audit.error} />}
      <Button variant="default" size="xs" loading={audit.isPending} title={t('oversight.auditHint')} onClick={() => audit.mutate()}>{t('oversight.auditAct')}</Button>
    </>
  )
}
