import type { EmergencyInfo, NewEmergency } from '../api/types.ts'

/** What an emergency is for, taken apart; `null` for what this console does not know. */
export type Scope = { kind: 'level'; originator: string; tlp: string } | { kind: 'class'; name: string } | { kind: 'object'; id: string }

export function readScope(text: string): Scope | null {
  const [kind, first, second, ...rest] = text.split(' ')
  if (first === undefined || rest.length > 0) return null
  if (kind === 'level' && second !== undefined) return { kind, originator: first, tlp: second }
  if (second !== undefined) return null
  if (kind === 'class') return { kind, name: first }
  return kind === 'object' ? { kind, id: first } : null
}

/** What is on now and has to be seen on every page: one's own first. */
export function onNow(known: EmergencyInfo[]): EmergencyInfo[] {
  return known.filter((one) => one.state === 'on').toSorted((a, b) => Number(b.own) - Number(a.own) || a.until.localeCompare(b.until))
}

/** Whether somebody may say afterwards whether it was justified. */
export function mayReview(one: EmergencyInfo, may: readonly string[]): boolean {
  return may.includes('review-emergencies') && !one.own && (one.state === 'waits' || one.state === 'overdue')
}

export interface Wanted {
  kind: Scope['kind']
  originator: string
  tlp: string
  class: string
  object: string
  reason: string
  minutes: number
}

/** What is asked of the hub: of the three ways to say what for, the chosen one alone. */
export function asked(wanted: Wanted): NewEmergency {
  const { kind, reason, minutes } = wanted
  const what = kind === 'level' ? { originator: wanted.originator, tlp: wanted.tlp } : kind === 'class' ? { class: wanted.class } : { object: wanted.object.trim() }
  return { ...what, reason: reason.trim(), minutes }
}
