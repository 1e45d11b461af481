import type { HeldQualification } from '../../api/types.ts'

/** What waits comes first, the oldest at the top; then what ends first. */
export function inOrder(known: HeldQualification[]): HeldQualification[] {
  const waits = (one: HeldQualification) => one.state === 'asked'
  return known.toSorted((a, b) => Number(waits(b)) - Number(waits(a)) || (waits(a) ? a.asked.localeCompare(b.asked) : Date.parse(a.until) - Date.parse(b.until)))
}

/** Whether somebody may be the second who says so: neither who entered it nor whom it is about. */
export function mayConfirm(one: HeldQualification, own: string): boolean {
  return one.state === 'asked' && one.asked_by !== own && one.person !== own
}

/** The last day that the hub takes as an end, for a day from which something holds; nothing where that is no day. */
export function latestEnd(since: string, years: number): string | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/u.exec(since)
  if (!found) return undefined
  const [year, month, day] = [Number(found[1]) + years, Number(found[2]), Number(found[3])]
  // The last of February has no counterpart in most years: the day before it, as the hub reckons.
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return `${String(year).padStart(4, '0')}-${found[2]}-${String(Math.min(day, days)).padStart(2, '0')}`
}
