import type { i18n } from 'i18next'
import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import type { CodedText, GateReason, PlaybookGraph, PlaybookStep, Rollout, RunCommand, StepSafeguards } from '../../api/response.ts'
import { absolute, span } from '../../format/time.ts'
import { defang } from '../../format/value.ts'
import { exact } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { told } from './openc2.ts'

/** What the hub says in both languages, in the reader's. */
export function useSaid(): (words: { ja: string; en: string }) => string {
  const language = useLanguage()
  return useCallback((words) => words[language], [language])
}

/** Why a gate refused, in a catalogue's language; what the catalogue does not know is told in English, as it was written down. */
export function gateReason({ t, exists }: Pick<i18n, 't' | 'exists'>, text: string, reason?: GateReason | null): string {
  if (reason == null || !exists(`gateReasons.${reason.code}`)) return text
  const why = t(`gateReasons.${reason.code}`, { ...reason.arguments })
  const said = reason.gate == null ? why : t('response.atGate', { gate: t(`response.gates.${reason.gate}`, { defaultValue: reason.gate }), said: why })
  return reason.refused == null ? said : t(`response.refusedBy.${reason.refused}`, { said, defaultValue: said })
}

/** The same in the reader's language. */
export function useGateReason(): (text: string, reason?: GateReason | null) => string {
  const { t, i18n: { exists } } = useTranslation()
  return useCallback((text, reason) => gateReason({ t, exists }, text, reason), [t, exists])
}

/** A step by its name, else by its kind. */
export function useStepName(): (step: Pick<PlaybookStep, 'name' | 'kind'>) => string {
  const { t } = useTranslation()
  const said = useSaid()
  return useCallback((step) => (step.name != null ? said(step.name) : t(`response.kinds.${step.kind}`, { defaultValue: step.kind })), [said, t])
}

/** A step of a graph by its identifier. */
export function useNameIn(graph: PlaybookGraph): (id: string) => string {
  const name = useStepName()
  const step = new Map(graph.steps.map((one) => [one.id, one]))
  return (id) => {
    const found = step.get(id)
    return found ? name(found) : id
  }
}

/** A length of time that is given in milliseconds. */
export function useLength(): (ms: number) => string {
  const language = useLanguage()
  return (ms) => (ms > 0 && ms < 1000 ? `${ms} ms` : span(Math.round(ms / 1000), language))
}

type Bounds = Pick<StepSafeguards, 'addresses_max' | 'ipv4_prefix_min' | 'ipv6_prefix_min' | 'traffic_percent_max' | 'actions_per_hour_max'>

/** Bounds of what a command may hit, one text each. */
export function useBounds(): (bounds: Bounds) => string[] {
  const { t } = useTranslation()
  return ({ addresses_max: addresses, ipv4_prefix_min: ipv4, ipv6_prefix_min: ipv6, traffic_percent_max: traffic, actions_per_hour_max: hourly }) => [
    ...(addresses == null ? [] : [t('response.bounds.addresses', { count: addresses, text: exact(addresses) })]),
    ...(ipv4 == null ? [] : [t('response.bounds.ipv4', { prefix: ipv4 })]),
    ...(ipv6 == null ? [] : [t('response.bounds.ipv6', { prefix: ipv6 })]),
    ...(traffic == null ? [] : [t('response.bounds.traffic', { text: String(traffic) })]),
    ...(hourly == null ? [] : [t('response.bounds.hourly', { count: hourly, text: exact(hourly) })]),
  ]
}

/** How commands are tried before they hold everywhere, one text each. */
export function useTrials(): (rollout: Rollout) => string[] {
  const { t } = useTranslation()
  const length = useLength()
  return ({ shadow_ms: shadow, canary, canary_watch_ms: watch }) => [
    ...(shadow == null ? [] : [t('response.trials.shadow', { time: length(shadow) })]),
    ...(canary ? [watch > 0 ? t('response.trials.canaryWatched', { time: length(watch) }) : t('response.trials.canary')] : []),
    t('response.trials.takenBack'),
  ]
}

/** What a command does, in a few words; its own text where that is not known. */
export function useHeadline(): (command: unknown, fallback: string) => string {
  const { t } = useTranslation()
  return (command, fallback) => {
    const what = told(command)
    if (what === null) return fallback
    const target = t(`response.targets.${what.kind}`, { defaultValue: what.kind })
    return t('response.headline', { action: t(`response.actions.${what.action}`, { defaultValue: what.action }), target, value: defang(what.target) })
  }
}

export function useCommandHeadline(): (command: RunCommand) => string {
  const headline = useHeadline()
  const { t } = useTranslation()
  return (command) => headline(command.body ?? command.text ?? '', command.text ?? t(`response.commands.${command.kind}`, { defaultValue: command.kind }))
}

/** Tables of what the hub says by a code: why a playbook does not run, what is said of it, why somebody may not answer, why a receipt proves nothing. */
type Table = 'playbookReasons' | 'playbookDetails' | 'answerReasons' | 'receiptReasons'

/** Places where a moment stands. */
const MOMENTS = new Set(['from', 'until'])

/** What the hub says by a code, in a catalogue's language; what the catalogue does not know is told in English, as the hub says it. */
export function coded({ t, exists }: Pick<i18n, 't' | 'exists'>, table: Table, text: string, known?: CodedText | null): { text: string; lang?: 'en' } {
  if (known == null || !exists(`${table}.${known.code}`)) return { text, lang: 'en' }
  const places: Record<string, string> = {}
  for (const [name, value] of Object.entries(known.arguments ?? {})) places[name] = MOMENTS.has(name) ? absolute(value, 'JST') : value
  return { text: t(`${table}.${known.code}`, { ...places }) }
}

/** The same in the reader's language. */
export function useCoded(): (table: Table, text: string, known?: CodedText | null) => { text: string; lang?: 'en' } {
  const { t, i18n: { exists } } = useTranslation()
  return useCallback((table, text, known) => coded({ t, exists }, table, text, known), [t, exists])
}
