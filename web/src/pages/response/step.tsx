import { useTranslation } from 'react-i18next'

import type { PlaybookAgent, PlaybookGraph, PlaybookStep, StepSafeguards } from '../../api/response.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { useJoin } from '../agreements/words.ts'
import { readable } from './openc2.ts'
import { kindWord } from './picture.tsx'
import classes from './response.module.css'
import { useBounds, useHeadline, useLength, useNameIn, useSaid, useStepName } from './words.ts'

/** One step: what it does, by whom, what must hold before, what undoes it and how long it lasts. */
export function StepDetails({ step, graph, agents }: { step: PlaybookStep | undefined; graph: PlaybookGraph; agents?: PlaybookAgent[] }) {
  const { t } = useTranslation()
  const name = useStepName()
  const said = useSaid()
  const nameIn = useNameIn(graph)
  const length = useLength()
  const join = useJoin()
  if (!step) return <p className="quiet">{t('response.chooseStep')}</p>
  const who = (id: string) => {
    const found = agents?.find((agent) => agent.id === id)
    return found ? said(found.name) : id.replace(/--.*$/u, '')
  }
  const facts: [string, string][] = [
    ...(step.agent == null ? [] : [[t('response.agent'), who(step.agent)] as [string, string]]),
    ...(step.targets.length === 0 ? [] : [[t('response.target'), join(step.targets.map(who))] as [string, string]]),
    ...(step.condition == null ? [] : [[t('response.condition'), step.condition] as [string, string]]),
    ...(step.calls == null ? [] : [[t('response.calls'), step.calls] as [string, string]]),
    ...(step.delay_ms == null ? [] : [[t('response.delay'), length(step.delay_ms)] as [string, string]]),
    ...(step.timeout_ms == null ? [] : [[t('response.timeout'), length(step.timeout_ms)] as [string, string]]),
    ...(step.in_args.length === 0 ? [] : [[t('response.takes'), join(step.in_args)] as [string, string]]),
    ...(step.out_args.length === 0 ? [] : [[t('response.gives'), join(step.out_args)] as [string, string]]),
  ]
  const ways = graph.edges.filter(({ from }) => from === step.id)
  return (
    <div className={classes.details}>
      <h3>{name(step)}</h3>
      <p className="quiet">{kindWord(step, t)}</p>
      {step.description != null && <p>{said(step.description)}</p>}
      {facts.length > 0 && <dl className={classes.facts}>{facts.map(([word, text]) => <div key={word}><dt>{word}</dt><dd>{text}</dd></div>)}</dl>}
      {step.safeguards != null && <Guards guards={step.safeguards} commands={step.commands.length} />}
      {step.commands.length > 0 && (
        <ol className={classes.commands}>{step.commands.map((command, place) => <li key={place}><Command command={command} /></li>)}</ol>
      )}
      {ways.length > 0 && (
        <p className="quiet">{t('response.next')}: {join([...new Set(ways.map(({ to }) => nameIn(to)))])}</p>
      )}
    </div>
  )
}

function Command({ command }: { command: PlaybookStep['commands'][number] }) {
  const { t } = useTranslation()
  const said = useSaid()
  const headline = useHeadline()
  const text = said(command.text)
  const line = command.body == null ? null : headline(command.body, '')
  return (
    <>
      <span className={classes.kind}>{t(`response.commands.${command.kind}`, { defaultValue: command.kind })}</span>
      {command.kind === 'manual' ? <p className={classes.text}>{text}</p> : (
        <>
          {line !== null && line !== '' && <p><strong>{line}</strong></p>}
          <pre className={classes.exact} tabIndex={0}>{command.body == null ? text : `${text}\n\n${readable(command.body)}`}</pre>
        </>
      )}
    </>
  )
}

/** What must hold, and what undoes it. */
function Guards({ guards, commands }: { guards: StepSafeguards; commands: number }) {
  const { t } = useTranslation()
  const bounds = useBounds()
  const length = useLength()
  const join = useJoin()
  const organisation = useOrganisationName()
  const limits = bounds(guards)
  const undone = guards.inverse.filter(Boolean).length
  return (
    <section className={classes.guards} aria-label={t('response.safeguards')}>
      <h4>{t('response.safeguards')}</h4>
      <dl className={classes.facts}>
        <div>
          <dt>{t('response.approval')}</dt>
          <dd>
            {guards.approvals == null ? t('response.noApproval') : t('response.needsApprovals', { count: guards.approvals })}
            {guards.approvers.length > 0 && <span className={classes.under}>{join(guards.approvers.map(organisation))}</span>}
            {guards.exclude_requester_organisation && <span className={classes.under}>{t('response.notRequester')}</span>}
          </dd>
        </div>
        <div><dt>{t('response.basis')}</dt><dd>{guards.basis ?? t('response.noBasis')}{guards.reference != null && <span className={classes.under}>{guards.reference}</span>}</dd></div>
        <div><dt>{t('response.radius')}</dt><dd>{limits.length === 0 ? t('response.noBounds') : limits.map((text) => <span key={text} className={classes.each}>{text}</span>)}</dd></div>
        <div><dt>{t('response.lasts')}</dt><dd>{guards.stop_after_ms == null ? t('response.noEnd') : t('response.endsAfter', { time: length(guards.stop_after_ms) })}</dd></div>
        <div><dt>{t('response.inverse')}</dt><dd>{undone === 0 ? t('response.noInverse') : undone >= commands ? t('response.allUndone') : t('response.someUndone', { undone, count: commands })}</dd></div>
      </dl>
    </section>
  )
}
