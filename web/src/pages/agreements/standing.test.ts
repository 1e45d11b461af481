import { expect, test } from 'vitest'

import type { Agreement } from '../../api/agreements.ts'
import { standingOf, waitsFor } from './standing.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')

function agreement(states: [string, string], changes: Partial<Agreement> = {}): Agreement {
  return {
    id: 'a', title_ja: '', title_en: '', parties: ['one', 'two'], from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', reciprocal: true, terms: [],
    hash: '', source: 'store', in_force: states.every((state) => state === 'signed'), sides: [{ party: 'one', state: states[0] }, { party: 'two', state: states[1] }],
    may: ['signed', 'ended'], history: [], ...changes,
  }
}

test.each<[string, Agreement, string]>([
  ['all have signed', agreement(['signed', 'signed']), 'in-force'],
  ['one has not', agreement(['signed', 'unsigned']), 'unsigned'],
  ['one has stopped for a while', agreement(['suspended', 'signed']), 'suspended'],
  ['one has stopped for a while and the other still gives', agreement(['suspended', 'signed'], { in_force: true }), 'suspended'],
  ['one has stopped for good', agreement(['signed', 'ended']), 'ended'],
  ['its time has not come', agreement(['signed', 'signed'], { from: '2026-07-01T00:00:00Z', in_force: false }), 'before'],
  ['its time is over', agreement(['signed', 'signed'], { until: '2026-06-01T00:00:00Z', in_force: false }), 'over'],
  ['its time is over before all had signed', agreement(['signed', 'unsigned'], { until: '2026-05-01T00:00:00Z' }), 'over'],
])('%s', (_, given, expected) => expect(standingOf(given, NOW)).toBe(expected))

test('it waits for who has not signed and may', () => {
  expect(waitsFor(agreement(['signed', 'unsigned']), 'two', NOW)).toBe(true)
  expect(waitsFor(agreement(['signed', 'unsigned']), 'one', NOW)).toBe(false)
  expect(waitsFor(agreement(['signed', 'unsigned'], { may: [] }), 'two', NOW)).toBe(false)
  expect(waitsFor(agreement(['ended', 'unsigned']), 'two', NOW)).toBe(false)
})
