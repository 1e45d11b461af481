// How a duty's clock is shown. The hub decides what it is; here it is only put into words, a mark and the time that is left.
import type { ReportDuty } from '../../api/reports.ts'
import { span, type Language } from '../../format/time.ts'

/** What colour repeats: `good` is the law's own certain word alone. */
export type Tone = 'bad' | 'warn' | 'good' | 'unsure' | 'off'

const TONES: Record<string, Tone> = { red: 'bad', amber: 'warn', green: 'good', uncertain: 'unsure', 'ask-counsel': 'unsure', off: 'off' }

export const toneOf = (duty: ReportDuty): Tone => TONES[duty.light] ?? 'unsure'

/** Why it is not certain, where it is not. */
export function doubts(duty: ReportDuty): ('may-apply' | 'clock' | 'secondary' | 'draft' | 'unknown')[] {
  const found: ReturnType<typeof doubts> = []
  if (duty.verdict === 'may-apply') found.push('may-apply')
  if (!duty.certain) found.push('clock')
  if (duty.verified === 'secondary' || duty.verified === 'draft' || duty.verified === 'unknown') found.push(duty.verified)
  return found
}

/** The share of the time that is gone, 0 to 1; nothing where there is no deadline. */
export function gone(duty: ReportDuty, now: number): number | null {
  if (duty.start == null || duty.due == null) return null
  const [start, due] = [Date.parse(duty.start), Date.parse(duty.due)]
  return due <= start ? 1 : Math.min(1, Math.max(0, (now - start) / (due - start)))
}

/** The time that is left, or by how much it is too late. */
export function left(duty: ReportDuty, now: number, language: Language): { late: boolean; text: string } | null {
  if (duty.due == null || duty.met != null) return null
  const seconds = Math.round((Date.parse(duty.due) - now) / 1000)
  return { late: seconds <= 0, text: span(Math.abs(seconds), language) }
}

/** Whether it counts among what waits: one's own and certain to be owed, or near its end whether it is or not. */
export const isPressing = (duty: ReportDuty) =>
  duty.owes === 'organisation' && (duty.verdict === 'applies' || duty.state === 'half-time' || duty.state === 'overdue')

/** The form that meets a duty; nothing where the authority owes an answer or nothing is to be filed any more. */
export const formPath = (duty: ReportDuty) =>
  duty.owes === 'organisation' ? `/reports/${duty.report}/forms/${[duty.regime, duty.stage, duty.recipient].map(encodeURIComponent).join('/')}` : null
