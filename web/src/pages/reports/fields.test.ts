import { describe, expect, it } from 'vitest'

import type { Report, ReportField } from '../../api/reports.ts'
import { amended, asked, fromLocal, read, typed } from './fields.ts'

const words = { ja: 'あ', en: 'a' }
const field = (id: string, type: string, change: Partial<ReportField> = {}): ReportField => ({ id, type, kinds: [], emergency: false, profile: false, label: words, choices: [], ...change })

describe('a value', () => {
  it('goes to its input and comes back the same', () => {
    for (const [type, value] of [['text', '停止'], ['long-text', 'a\nb'], ['yes-no', true], ['yes-no', false], ['number', 20000], ['time', '2026-11-29T08:15:00.000Z'], ['choice', 'stopped'], ['choices', ['a', 'b']], ['list', ['192.0.2.1', '192.0.2.2']]] as const) {
      const one = field('f', type)
      expect(read(one, typed(one, value as never))).toEqual(value)
    }
  })
  it('is nothing where nothing was typed, and refused where it cannot be read', () => {
    expect([read(field('f', 'text'), '  '), read(field('f', 'choices'), []), read(field('f', 'number'), '')]).toEqual([undefined, undefined, undefined])
    expect([read(field('f', 'number'), '1.5'), read(field('f', 'number'), '-1'), read(field('f', 'time'), 'yesterday'), read(field('f', 'yes-no'), 'perhaps')]).toEqual([null, null, null, null])
  })
  it('of a time is Japan\'s', () => {
    expect(typed(field('f', 'time'), '2026-11-28T23:15:00Z')).toBe('2026-11-29T08:15')
    expect(fromLocal('2026-11-29T08:15')).toBe('2026-11-28T23:15:00.000Z')
    expect(fromLocal('2026-11-29')).toBeNull()
  })
})

describe('details', () => {
  const fields = [field('summary', 'long-text', { emergency: true }), field('contact', 'text', { profile: true }), field('ransom_paid', 'yes-no', { kinds: ['ransomware'] }), field('impact', 'text')]
  it('ask for what the kinds need', () => {
    expect(asked(fields, ['ddos']).map(({ id }) => id)).toEqual(['summary', 'impact'])
    expect(asked(fields, ['ransomware']).map(({ id }) => id)).toEqual(['summary', 'ransom_paid', 'impact'])
  })
  it('send what was changed and nothing else', () => {
    const report = { fields: [{ field: 'summary', value: '前', from: 'person' }, { field: 'ransom_paid', value: true, from: 'person' }] } as unknown as Report
    expect(amended(fields, report, { summary: '前', impact: '' })).toBeNull()
    expect(amended(fields, report, { summary: '後', ransom_paid: '', impact: '全店' })).toEqual({ what: 'stated', fields: { summary: '後', impact: '全店' }, unknown: ['ransom_paid'] })
  })
})
