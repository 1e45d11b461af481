import { describe, expect, it } from 'vitest'

import type { ReportDuty } from '../../api/reports.ts'
import { doubts, formPath, gone, isPressing, left, toneOf } from './clocks.ts'

const words = { ja: 'あ', en: 'a' }
const duty = (change: Partial<ReportDuty> = {}): ReportDuty => ({
  report: 'incident--1', title: '', regime: 'eu.gdpr', regime_name: words, stage: 'notification', stage_name: words, recipient: 'authority', recipient_name: words,
  owes: 'organisation', verdict: 'applies', because: [], state: 'running', light: 'green', verified: 'law', certain: true,
  start: '2026-11-29T00:00:00Z', half_time: '2026-11-30T12:00:00Z', due: '2026-12-02T00:00:00Z', late: false, ...change,
})
const at = (text: string) => Date.parse(text)

describe('a clock', () => {
  it('is green only where the hub says so', () => {
    expect(toneOf(duty())).toBe('good')
    for (const light of ['uncertain', 'ask-counsel', 'a later word']) expect(toneOf(duty({ light }))).toBe('unsure')
    expect([toneOf(duty({ light: 'red' })), toneOf(duty({ light: 'amber' })), toneOf(duty({ light: 'off' }))]).toEqual(['bad', 'warn', 'off'])
  })
  it('says why it is not certain', () => {
    expect(doubts(duty())).toEqual([])
    expect(doubts(duty({ verdict: 'may-apply', certain: false, verified: 'draft' }))).toEqual(['may-apply', 'clock', 'draft'])
  })
  it('tells how much is gone and how much is left', () => {
    expect(gone(duty(), at('2026-11-30T12:00:00Z'))).toBe(0.5)
    expect(gone(duty(), at('2026-12-24T00:00:00Z'))).toBe(1)
    expect(gone(duty({ due: null }), 0)).toBeNull()
    expect(left(duty(), at('2026-12-01T23:00:00Z'), 'en')?.late).toBe(false)
    expect(left(duty(), at('2026-12-02T00:00:00Z'), 'en')?.late).toBe(true)
    expect(left(duty({ met: '2026-12-01T00:00:00Z' }), 0, 'en')).toBeNull()
  })
  it('counts among what waits where it is owed for certain, or its time is running out', () => {
    expect(isPressing(duty())).toBe(true)
    expect(isPressing(duty({ verdict: 'may-apply' }))).toBe(false)
    expect(isPressing(duty({ verdict: 'may-apply', state: 'half-time' }))).toBe(true)
    expect(isPressing(duty({ owes: 'authority' }))).toBe(false)
  })
  it('leads to the form that meets it', () => {
    expect(formPath(duty())).toBe('/reports/incident--1/forms/eu.gdpr/notification/authority')
    expect(formPath(duty({ owes: 'authority' }))).toBeNull()
  })
})
