import type { Authorisation, CheckedReceipt } from '../../api/oversight.ts'

/** What is out of line with a receipt. Most of it a hub refuses when a receipt comes in: this is the look of somebody who does not
    take the hub's word for that. */
export type Anomaly =
  | 'forged' | 'other-grant' | 'other-operator' | 'other-asker' | 'other-question' | 'outside-time' | 'while-stopped'
  | 'too-many-indicators' | 'over-quota' | 'missing' | 'late' | 'ahead'

export interface Finding {
  anomaly: Anomaly
  receipt: CheckedReceipt
  /** Of `missing`: how many. */
  count?: number
}

/** An edge hands its receipts in as soon as it can; a day is long. */
const LATE_MS = 24 * 3_600_000
/** Clocks differ by less. */
const AHEAD_MS = 5 * 60_000

/** When an authorisation did not count, from its history. */
export function stops(authorisation: Pick<Authorisation, 'history'>): { from: number; until: number }[] {
  const found: { from: number; until: number }[] = []
  for (const { kind, at } of authorisation.history) {
    const last = found.at(-1)
    if (kind === 'suspend') found.push({ from: Date.parse(at), until: Infinity })
    if (kind === 'revoke' && last?.until !== Infinity) found.push({ from: Date.parse(at), until: Infinity })
    if (kind === 'resume' && last) last.until = Date.parse(at)
  }
  return found
}

/** What is wrong with one receipt by itself. */
export function faultsOf(receipt: CheckedReceipt, authorisation: Authorisation): Anomaly[] {
  const { used } = receipt.receipt
  const { terms } = authorisation
  const at = Date.parse(used.at)
  const came = Date.parse(receipt.at)
  const checks: [boolean, Anomaly][] = [
    [receipt.isSigned === false, 'forged'],
    [used.grant !== authorisation.grant_leaf, 'other-grant'],
    [!terms.operators.includes(used.operator), 'other-operator'],
    [used.asked_by !== terms.requested_by, 'other-asker'],
    // A sealed list is asked for by blinded points, whose hash is another one each time.
    [!authorisation.sealed && used.asked !== terms.list_root, 'other-question'],
    [at < Date.parse(terms.from) || at >= Date.parse(terms.until), 'outside-time'],
    [stops(authorisation).some((stop) => at >= stop.from && at < stop.until), 'while-stopped'],
    // In private matching an edge signs for values and dummies together.
    [used.count > (terms.private?.elements ?? terms.list_size), 'too-many-indicators'],
    [used.number > terms.queries_per_day, 'over-quota'],
    [came - at > LATE_MS, 'late'],
    [at - came > AHEAD_MS, 'ahead'],
  ]
  return checks.flatMap(([isSo, anomaly]) => (isSo ? [anomaly] : []))
}

const dayOf = (at: string) => new Date(Date.parse(at)).toISOString().slice(0, 10)

/** Everything out of line. `isWhole`: no receipts are missing at the end of what was read; else the oldest day is not judged by its numbers. */
export function anomalies(receipts: readonly CheckedReceipt[], authorisations: ReadonlyMap<string, Authorisation>, isWhole: boolean): Finding[] {
  const alone = receipts.flatMap((receipt) => {
    const authorisation = authorisations.get(receipt.authorisation)
    return authorisation ? faultsOf(receipt, authorisation).map((anomaly) => ({ anomaly, receipt })) : []
  })
  return [...alone, ...missing(receipts, isWhole)]
}

/** Each edge numbers its uses of a day from 1: a number that is left out is a use that was not told of. */
function missing(receipts: readonly CheckedReceipt[], isWhole: boolean): Finding[] {
  const days = new Map<string, CheckedReceipt[]>()
  for (const receipt of receipts) {
    const key = `${receipt.authorisation} ${receipt.edge} ${dayOf(receipt.used_at)}`
    days.set(key, [...(days.get(key) ?? []), receipt])
  }
  const oldest = receipts.map((one) => dayOf(one.used_at)).toSorted()[0]
  return [...days.values()].flatMap((all) => {
    const last = all.toSorted((left, right) => right.receipt.used.number - left.receipt.used.number)[0]
    if (last === undefined || (!isWhole && dayOf(last.used_at) === oldest)) return []
    const count = last.receipt.used.number - new Set(all.map((one) => one.receipt.used.number)).size
    return count > 0 ? [{ anomaly: 'missing', receipt: last, count } as const] : []
  })
}

/** How often each was used and by how many edges, most used first: the yield as far as receipts tell of it. */
export function yields(receipts: readonly CheckedReceipt[]): { authorisation: string; uses: number; edges: number; operators: number; indicators: number; last: string }[] {
  const by = new Map<string, CheckedReceipt[]>()
  for (const receipt of receipts) by.set(receipt.authorisation, [...(by.get(receipt.authorisation) ?? []), receipt])
  const rows = [...by].map(([authorisation, all]) => ({
    authorisation,
    uses: all.length,
    edges: new Set(all.map((one) => one.edge)).size,
    operators: new Set(all.map((one) => one.operator)).size,
    indicators: all.reduce((sum, one) => sum + one.count, 0),
    last: all.map((one) => one.used_at).toSorted((left, right) => Date.parse(right) - Date.parse(left))[0] ?? '',
  }))
  return rows.toSorted((left, right) => right.uses - left.uses)
}
