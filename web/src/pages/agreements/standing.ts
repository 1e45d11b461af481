import type { Agreement } from '../../api/agreements.ts'

/** Where an agreement stands as a whole. */
export type Standing = 'in-force' | 'unsigned' | 'before' | 'suspended' | 'ended' | 'over'

export function standingOf(agreement: Agreement, now: number): Standing {
  const states = agreement.sides.map((side) => side.state)
  if (agreement.in_force && !states.some((state) => state === 'suspended' || state === 'ended')) return 'in-force'
  if (states.includes('ended')) return 'ended'
  if (Date.parse(agreement.until) <= now) return 'over'
  if (states.includes('unsigned')) return 'unsigned'
  if (states.includes('suspended')) return 'suspended'
  return Date.parse(agreement.from) > now ? 'before' : 'in-force'
}

/** Whether the reader's signature is what is missing. */
export function waitsFor(agreement: Agreement, organisation: string, now: number): boolean {
  const own = agreement.sides.find((side) => side.party === organisation)
  return own?.state === 'unsigned' && agreement.may.includes('signed') && standingOf(agreement, now) === 'unsigned'
}
