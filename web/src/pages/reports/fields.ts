// Values of fields, between a form's inputs and the hub.
import type { NewReportEvent, Report, ReportField, ReportValue } from '../../api/reports.ts'
import { localOf, momentOf } from '../oversight/wanted.ts'

/** What an input holds: text as it is typed, choices as their names. `''` and `[]`: nothing. */
export type Typed = string | string[]

/** What an input of Japan's time holds, as an instant; `null` where it is none. */
export function fromLocal(local: string): string | null {
  const moment = momentOf(local)
  return moment === null ? null : new Date(moment).toISOString()
}

export function typed(field: ReportField, value: ReportValue | null | undefined): Typed {
  if (field.type === 'choices') return Array.isArray(value) ? value : []
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.join('\n')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return String(value)
  return field.type === 'time' ? localOf(Date.parse(value)) : value
}

/** What was typed, as the hub takes it; `undefined` where nothing was, `null` where it cannot be read. */
export function read(field: ReportField, value: Typed): ReportValue | undefined | null {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value
  const text = value.trim()
  if (text === '') return undefined
  switch (field.type) {
    case 'yes-no': return text === 'yes' ? true : text === 'no' ? false : null
    case 'number': return /^\d{1,15}$/u.test(text) ? Number(text) : null
    case 'time': return fromLocal(text)
    case 'list': return text.split('\n').map((line) => line.trim()).filter((line) => line !== '')
    default: return text
  }
}

/** The fields to ask for after the first page: those of the incident's kinds, without what is declared in peacetime alone. */
export const asked = (fields: ReportField[], kinds: string[]) =>
  fields.filter((field) => (field.emergency || !field.profile) && (field.kinds.length === 0 || field.kinds.some((kind) => kinds.includes(kind))))

/** What was changed, as one event; `null` where nothing was. A field that was emptied is said to be not known yet. */
export function amended(fields: ReportField[], report: Report, typedNow: Record<string, Typed>): NewReportEvent | null {
  const stated = new Map(report.fields.map((one) => [one.field, one.value]))
  const [changed, unknown]: [Record<string, ReportValue>, string[]] = [{}, []]
  for (const field of fields) {
    const value = typedNow[field.id]
    if (value === undefined) continue
    const before = stated.get(field.id)
    if (JSON.stringify(typed(field, before)) === JSON.stringify(value)) continue
    const now = read(field, value)
    if (now === null) continue
    if (now === undefined) unknown.push(field.id)
    else changed[field.id] = now
  }
  return Object.keys(changed).length + unknown.length === 0 ? null : { what: 'stated', fields: changed, unknown }
}
