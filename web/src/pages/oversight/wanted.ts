import type { FrameDocument, NewAuthorisation } from '../../api/oversight.ts'
import { recognise } from '../../format/value.ts'

/** A line of the list of what is looked for, as somebody pasted it. */
export interface Line {
  text: string
  /** The STIX pattern that it stands for; `null` where it is neither a pattern nor one observable value. */
  pattern: string | null
}

const HASHES: Record<number, string> = { 32: 'MD5', 40: 'SHA-1', 64: 'SHA-256', 128: 'SHA-512' }

/** A pattern as it is, or a value as the pattern that is true for it. */
export function patternOf(text: string): string | null {
  const line = text.trim()
  if (line.startsWith('[')) return line
  const known = recognise(line)
  if (known === null) return null
  const quoted = `'${known.value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  if (known.kind === 'file-hash') return `[file:hashes.'${HASHES[known.value.length] ?? 'SHA-256'}' = ${quoted}]`
  if (known.kind.endsWith('-addr') && known.value.includes('/') && known.kind !== 'email-addr') return `[${known.kind}:value ISSUBSET ${quoted}]`
  return `[${known.kind}:value = ${quoted}]`
}

/** The lines of a pasted text; empty ones and repeated ones are left out. */
export function linesOf(text: string): Line[] {
  const seen = new Set<string>()
  return text.split('\n').flatMap((line) => {
    const trimmed = line.trim()
    const pattern = patternOf(trimmed)
    const key = pattern ?? trimmed
    if (trimmed === '' || seen.has(key)) return []
    seen.add(key)
    return [{ text: trimmed, pattern }]
  })
}

/** What a person has chosen in the form; times as a clock in Japan shows them (`2026-12-01T09:00`). */
export interface Chosen {
  kind: 'ordinary' | 'emergency'
  category: string
  operators: string[]
  text: string
  sealed: boolean
  /** Looked for by the edges, or matched privately: which values are met, or how many. */
  matching: 'direct' | 'match' | 'count'
  /** In private matching: how many elements are asked. */
  elements: number
  /** The most values that an operator's set may have. */
  filterValues: number
  fields: string[]
  queries: number
  from: string
  until: string
  retention: string
  purpose: string
  reason: string
  narrows: string | null
}

/** The moment that a clock in Japan shows so; `null` where it is none. */
export function momentOf(local: string): string | null {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/u.test(local) && Number.isFinite(Date.parse(`${local}:00+09:00`)) ? `${local}:00+09:00` : null
}

/** What a clock in Japan shows at a moment. */
export const localOf = (moment: number): string => new Date(moment + 9 * 3_600_000).toISOString().slice(0, 16)

/** The longest that may be asked for, in hours. */
export function hoursMax(frame: FrameDocument, chosen: Pick<Chosen, 'kind' | 'category'>): number {
  const hours = frame.categories[chosen.category]?.hours_max ?? 0
  return chosen.kind === 'emergency' ? Math.min(hours, frame.emergency.hours_max) : hours
}

/** What a day of a large operator fits in. */
export const FILTER_VALUES = 1_572_864

export type Missing = 'category' | 'operators' | 'indicators' | 'unknown-indicators' | 'too-many-indicators' | 'networks' | 'elements' | 'fields' | 'queries' | 'period' | 'past' | 'too-long' | 'retention' | 'purpose' | 'reason'

/** What the frame would not allow, or what is left open, in the order of the form. The hub looks at all of it again. */
export function missing(frame: FrameDocument, chosen: Chosen, now: number): Missing[] {
  const lines = linesOf(chosen.text)
  const [from, until] = [momentOf(chosen.from), momentOf(chosen.until)].map((moment) => (moment === null ? NaN : Date.parse(moment)))
  const isPrivate = chosen.matching !== 'direct'
  const length = (until ?? NaN) - (from ?? NaN)
  const checks: [boolean, Missing][] = [
    [frame.categories[chosen.category] === undefined, 'category'],
    [chosen.operators.length === 0, 'operators'],
    [lines.length === 0, 'indicators'],
    [lines.some((line) => line.pattern === null), 'unknown-indicators'],
    [lines.length > frame.list_max, 'too-many-indicators'],
    [isPrivate && lines.some((line) => line.pattern?.includes('ISSUBSET') ?? false), 'networks'],
    [isPrivate && !(Number.isInteger(chosen.elements) && chosen.elements >= lines.length && chosen.elements <= frame.list_max), 'elements'],
    [!isPrivate && chosen.fields.length === 0, 'fields'],
    [!isPrivate && (!Number.isInteger(chosen.queries) || chosen.queries < 1 || chosen.queries > frame.queries_per_day_max), 'queries'],
    [!(length > 0), 'period'],
    [(until ?? NaN) <= now, 'past'],
    [length > hoursMax(frame, chosen) * 3_600_000, 'too-long'],
    [!frame.retention_classes.includes(chosen.retention), 'retention'],
    [chosen.purpose === '', 'purpose'],
    [chosen.reason.trim() === '', 'reason'],
  ]
  return checks.flatMap(([isSo, what]) => (isSo ? [what] : []))
}

/** The request as it is sent. */
export function wanted(chosen: Chosen): NewAuthorisation {
  const isPrivate = chosen.matching !== 'direct'
  const utc = (local: string) => new Date(momentOf(local) ?? NaN).toISOString()
  return {
    kind: chosen.kind,
    category: chosen.category,
    operators: chosen.operators,
    indicators: linesOf(chosen.text).flatMap((line) => (line.pattern === null ? [] : [line.pattern])),
    sealed: chosen.sealed || isPrivate,
    fields: isPrivate ? [] : chosen.fields,
    queries_per_day: isPrivate ? 1 : chosen.queries,
    from: utc(chosen.from),
    until: utc(chosen.until),
    retention: chosen.retention,
    purpose: chosen.purpose,
    reason: chosen.reason.trim(),
    narrows: chosen.narrows,
    private: chosen.matching === 'direct' ? null : { mode: chosen.matching, elements: chosen.elements, filter_values_max: chosen.filterValues },
  }
}
