import type { Authorisation } from '../../api/oversight.ts'
import type { Operation } from '../../api/types.ts'

/** Where an authorisation stands for a person: the hub's state, and the clock. `lapsed`: its time went by without a decision. */
export type Standing = 'requested' | 'lapsed' | 'in-force' | 'before' | 'over' | 'suspended' | 'refused' | 'withdrawn' | 'revoked'

export function standingOf(one: Pick<Authorisation, 'state' | 'terms'>, now: number): Standing {
  const isOver = Date.parse(one.terms.until) <= now
  switch (one.state) {
    case 'requested': return isOver ? 'lapsed' : 'requested'
    case 'granted': return isOver ? 'over' : Date.parse(one.terms.from) > now ? 'before' : 'in-force'
    case 'suspended': return isOver ? 'over' : 'suspended'
    default: return one.state
  }
}

/** Whether the reader may take a request back: its organisation asked, and nobody has decided. */
export function mayWithdraw(one: Pick<Authorisation, 'state' | 'terms'>, organisation: string, may: readonly Operation[]): boolean {
  return one.state === 'requested' && one.terms.requested_by === organisation && may.includes('request-authorisation')
}

/** Whether a decision waits for this commissioner: a request, or a resumption that others have begun. `own`: the name in the constitution. */
export function awaits(one: Authorisation, own: string | null, now: number): boolean {
  if (own === null) return false
  const hasSigned = one.pending?.signed_by.includes(own) ?? false
  switch (standingOf(one, now)) {
    case 'requested': return one.may.includes('grant') && !hasSigned
    case 'suspended': return one.pending != null && one.may.includes('resume') && !hasSigned
    default: return false
  }
}

/** A list in three: what is undecided, what counts or will, and what is over. Emergencies come first, then what is newest. */
export function inGroups(all: readonly Authorisation[], now: number): { open: Authorisation[]; standing: Authorisation[]; past: Authorisation[] } {
  const group = (...wanted: Standing[]) => all.filter((one) => wanted.includes(standingOf(one, now)))
  const isUrgent = (one: Authorisation) => (one.terms.kind === 'emergency' ? 0 : 1)
  return {
    open: group('requested').toSorted((left, right) => isUrgent(left) - isUrgent(right)),
    standing: group('in-force', 'before', 'suspended').toSorted((left, right) => isUrgent(left) - isUrgent(right)),
    past: group('lapsed', 'over', 'refused', 'withdrawn', 'revoked'),
  }
}

/** The first line of a reason, short enough for a line. */
export function briefly(reason: string, most = 64): string {
  const line = reason.trim().split('\n')[0] ?? ''
  const letters = [...line]
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : line
}
