import { describe, expect, it, test } from 'vitest'

import type { Authorisation, CheckedReceipt, FrameDocument, Terms, Use } from '../../api/oversight.ts'
import { anomalies, faultsOf, stops, yields } from './anomalies.ts'
import { awaits, briefly, inGroups, mayWithdraw, standingOf } from './standing.ts'
import { hoursMax, linesOf, localOf, missing, momentOf, patternOf, wanted, type Chosen } from './wanted.ts'

const NOW = Date.parse('2026-06-10T00:00:00Z')
const ROOT = 'ab'.repeat(32)

function authorisation(changes: Partial<Authorisation> = {}, terms: Partial<Terms> = {}): Authorisation {
  return {
    id: 'a', state: 'granted', in_force: true, terms_hash: '', sealed: false, request_leaf: 2, grant_leaf: 3, created: '2026-06-01T00:00:00Z', changed: '2026-06-01T00:00:00Z', pending: null, uses: 0, may: [], history: [],
    terms: { id: 'a', kind: 'ordinary', category: 'foreign-domestic', article: '', requested_by: 'npa', operators: ['kinki-power'], list_root: ROOT, list_size: 10, fields: ['ports'], queries_per_day: 2, from: '2026-06-01T00:00:00Z', until: '2026-06-20T00:00:00Z', retention: 'r', purpose: 'collective-defence', reason: 'r', narrows: null, ...terms },
    ...changes,
  }
}

test.each<[string, Authorisation, string]>([
  ['asked for', authorisation({ state: 'requested' }), 'requested'],
  ['asked for, and its time went by', authorisation({ state: 'requested' }, { until: '2026-06-09T00:00:00Z' }), 'lapsed'],
  ['granted', authorisation(), 'in-force'],
  ['granted from tomorrow on', authorisation({}, { from: '2026-06-11T00:00:00Z' }), 'before'],
  ['granted until this very moment', authorisation({}, { until: '2026-06-10T00:00:00Z' }), 'over'],
  ['suspended', authorisation({ state: 'suspended' }), 'suspended'],
  ['suspended until its end', authorisation({ state: 'suspended' }, { until: '2026-06-09T00:00:00Z' }), 'over'],
  ['revoked', authorisation({ state: 'revoked' }, { until: '2026-06-09T00:00:00Z' }), 'revoked'],
  ['refused', authorisation({ state: 'refused' }), 'refused'],
  ['taken back before its time went by', authorisation({ state: 'withdrawn' }, { until: '2026-06-09T00:00:00Z' }), 'withdrawn'],
])('%s', (_, given, expected) => expect(standingOf(given, NOW)).toBe(expected))

test('what waits for a commissioner', () => {
  const pending = (verdict: string, signed_by: string[]) => ({ verdict, signed_by, needed: 2, reason: '', asked: '2026-06-09T00:00:00Z' })
  const open = authorisation({ state: 'requested', may: ['grant', 'refuse'] })
  expect(awaits(open, '一', NOW)).toBe(true)
  expect(awaits(open, null, NOW)).toBe(false)
  expect(awaits({ ...open, pending: pending('grant', ['一']) }, '一', NOW)).toBe(false)
  expect(awaits({ ...open, pending: pending('grant', ['一']) }, '二', NOW)).toBe(true)
  const resting = authorisation({ state: 'suspended', may: ['resume', 'revoke'] })
  expect(awaits(resting, '一', NOW)).toBe(false)
  expect(awaits({ ...resting, pending: pending('resume', ['二']) }, '一', NOW)).toBe(true)
  expect(awaits(authorisation({ may: ['suspend', 'revoke'] }), '一', NOW)).toBe(false)
})

test('emergencies come first in their group, and nothing is in two', () => {
  const states = [['requested', 'ordinary'], ['requested', 'emergency'], ['granted', 'ordinary'], ['suspended', 'emergency'], ['refused', 'ordinary'], ['revoked', 'ordinary'], ['withdrawn', 'ordinary']] as const
  const all = states.map(([state, kind], number) => authorisation({ id: String(number), state }, { kind }))
  const { open, standing, past } = inGroups(all, NOW)
  expect([open, standing, past].map((group) => group.map(({ id }) => id))).toEqual([['1', '0'], ['3', '2'], ['4', '5', '6']])
})

test('whoever asked takes back what nobody has decided on', () => {
  const open = authorisation({ state: 'requested' })
  expect(mayWithdraw(open, 'npa', ['request-authorisation'])).toBe(true)
  expect(mayWithdraw(open, 'mod', ['request-authorisation'])).toBe(false)
  expect(mayWithdraw(open, 'npa', ['see-authorisations'])).toBe(false)
  for (const state of ['granted', 'suspended', 'refused', 'withdrawn', 'revoked'] as const) expect(mayWithdraw(authorisation({ state }), 'npa', ['request-authorisation']), state).toBe(false)
})

test('a reason is cut by characters, at its first line', () => {
  expect(briefly('短い\n次の行')).toBe('短い')
  expect([...briefly('𠮷'.repeat(100), 10)]).toHaveLength(10)
})

function receipt(used: Partial<Use> = {}, changes: Partial<CheckedReceipt> = {}): CheckedReceipt {
  const whole = { authorisation: 'a', grant: 3, operator: 'kinki-power', edge: 'kinki-power-1', asked_by: 'npa', asked: ROOT, count: 10, at: '2026-06-05T00:00:00Z', number: 1, ...used }
  return { leaf: 9, at: whole.at, authorisation: whole.authorisation, asked_by: whole.asked_by, operator: whole.operator, edge: whole.edge, count: whole.count, used_at: whole.at, key: '', entry: '', record: '', salt: '', receipt: { used: whole, signature: '' }, isSigned: true, ...changes }
}

describe('a receipt', () => {
  const history = [['grant', '2026-06-01T00:00:00Z'], ['suspend', '2026-06-06T00:00:00Z'], ['resume', '2026-06-07T00:00:00Z'], ['revoke', '2026-06-08T00:00:00Z']].map(([kind = '', at = ''], leaf) => ({ leaf, kind, at, entry: '', record: '', salt: '' }))
  const one = authorisation({ history })
  it.each<[string, CheckedReceipt, string[]]>([
    ['within its terms', receipt(), []],
    ['that is not signed', receipt({}, { isSigned: false }), ['forged']],
    ['that could not be verified here', receipt({}, { isSigned: null }), []],
    ['of another grant', receipt({ grant: 4 }), ['other-grant']],
    ['at another operator', receipt({ operator: 'harbour' }), ['other-operator']],
    ['for another asker', receipt({ asked_by: 'mod' }), ['other-asker']],
    ['of another list', receipt({ asked: '00'.repeat(32) }), ['other-question']],
    ['before its time', receipt({ at: '2026-05-31T23:59:59Z' }), ['outside-time']],
    ['at its end', receipt({ at: '2026-06-20T00:00:00Z' }), ['outside-time', 'while-stopped']],
    ['while it was suspended', receipt({ at: '2026-06-06T00:00:00Z' }), ['while-stopped']],
    ['after it was resumed', receipt({ at: '2026-06-07T00:00:00Z' }), []],
    ['after it was revoked', receipt({ at: '2026-06-09T00:00:00Z' }), ['while-stopped']],
    ['of more indicators', receipt({ count: 11 }), ['too-many-indicators']],
    ['of a third use', receipt({ number: 3 }), ['over-quota']],
    ['that was held back', receipt({}, { at: '2026-06-06T00:00:01Z' }), ['late']],
    ['from the future', receipt({}, { at: '2026-06-04T23:50:00Z' }), ['ahead']],
  ])('%s', (_, given, expected) => expect(faultsOf(given, one)).toEqual(expected))
  it('of a private round is for values and dummies together', () => {
    const terms = { ...one.terms, private: { mode: 'match', elements: 50, filter_values_max: 1_024, seed_commitment: '' } } as const
    expect(faultsOf(receipt({ count: 50 }), { ...one, sealed: true, terms })).toEqual([])
    expect(faultsOf(receipt({ count: 51 }), { ...one, sealed: true, terms })).toEqual(['too-many-indicators'])
  })
  it('of a sealed list asks something else each time', () => expect(faultsOf(receipt({ asked: '00'.repeat(32) }), { ...one, sealed: true })).toEqual([]))
  it('a revocation during a suspension goes on from it', () => {
    const stopped = authorisation({ history: history.filter(({ kind }) => kind !== 'resume') })
    expect(stops(stopped)).toEqual([{ from: Date.parse('2026-06-06T00:00:00Z'), until: Infinity }])
  })
})

test('a number that is left out is a use that was not told of', () => {
  const found = new Map([['a', authorisation({}, { queries_per_day: 24 })]])
  const rows = (...numbers: number[]) => numbers.map((number) => receipt({ number }, { leaf: number }))
  const check = (receipts: CheckedReceipt[], isWhole: boolean) => anomalies(receipts, found, isWhole).map(({ anomaly, count }) => [anomaly, count])
  expect(check(rows(3, 2, 1), true)).toEqual([])
  expect(check(rows(4, 1), true)).toEqual([['missing', 2]])
  // What was not loaded yet may be what is left out.
  expect(check(rows(4, 1), false)).toEqual([])
  expect(check([...rows(4, 1), receipt({ at: '2026-06-04T00:00:00Z' })], false)).toEqual([['missing', 2]])
  expect(check([receipt({ number: 1 }), receipt({ number: 1, edge: 'kinki-power-2' })], true)).toEqual([])
})

test('what was used how often', () => {
  const rows = [receipt({ count: 3 }), receipt({ edge: 'kinki-power-2', at: '2026-06-07T00:00:00Z' }), receipt({ authorisation: 'b' })]
  expect(yields(rows)).toEqual([
    { authorisation: 'a', uses: 2, edges: 2, operators: 1, indicators: 13, last: '2026-06-07T00:00:00Z' },
    { authorisation: 'b', uses: 1, edges: 1, operators: 1, indicators: 10, last: '2026-06-05T00:00:00Z' },
  ])
})

test.each([
  ["[ipv4-addr:value = '203.0.113.1']", "[ipv4-addr:value = '203.0.113.1']"],
  ['203.0.113[.]1', "[ipv4-addr:value = '203.0.113.1']"],
  ['203.0.113.0/24', "[ipv4-addr:value ISSUBSET '203.0.113.0/24']"],
  ['hxxps://evil.example/a\'b', "[url:value = 'https://evil.example/a\\'b']"],
  ['Evil.Example', "[domain-name:value = 'evil.example']"],
  ['a'.repeat(64), `[file:hashes.'SHA-256' = '${'a'.repeat(64)}']`],
  ['b'.repeat(32), `[file:hashes.'MD5' = '${'b'.repeat(32)}']`],
  ['everything', null],
  ['', null],
])('%s is looked for as a pattern', (text, pattern) => expect(patternOf(text)).toBe(pattern))

test('a list has each line once, whichever way it is written', () => {
  expect(linesOf("evil.example\n\n evil[.]example \n[domain-name:value = 'evil.example']\nno value here\n").map(({ pattern }) => pattern)).toEqual(["[domain-name:value = 'evil.example']", null])
})

const FRAME: FrameDocument = {
  version: 1, source: '', categories: { 'foreign-domestic': { article: 'x', hours_max: 2160 }, consent: { article: 'y', hours_max: 12 } }, emergency: { persons: 2, hours_max: 24 },
  list_max: 3, queries_per_day_max: 24, checkpoint_hours_max: 24, unwitnessed_hours_max: 4, retention_classes: ['measures-2y', 'erase-at-end'],
}
const CHOSEN: Chosen = {
  kind: 'ordinary', category: 'foreign-domestic', operators: ['kinki-power'], text: 'evil.example', sealed: false, matching: 'direct', elements: 1_000, filterValues: 1_572_864, fields: ['ports'], queries: 2, from: '2026-06-10T12:00', until: '2026-06-11T12:00', retention: 'measures-2y', purpose: 'collective-defence', reason: 'why', narrows: null,
}

test.each<[string, Partial<Chosen>, string[]]>([
  ['whole', {}, []],
  ['on no ground', { category: 'neutralisation' }, ['category', 'too-long']],
  ['nowhere', { operators: [] }, ['operators']],
  ['of nothing', { text: ' \n' }, ['indicators']],
  ['of what cannot be read', { text: 'evil.example\neverything' }, ['unknown-indicators']],
  ['of too much', { text: '192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4' }, ['too-many-indicators']],
  ['from which nothing may leave', { fields: [] }, ['fields']],
  ['too often', { queries: 25 }, ['queries']],
  ['half a time', { queries: 0.5 }, ['queries']],
  ['without an end', { until: '' }, ['period']],
  ['backwards', { until: '2026-06-10T11:59' }, ['period']],
  ['over already', { from: '2026-06-01T00:00', until: '2026-06-09T00:00' }, ['past']],
  ['exactly as long as the frame allows', { until: '2026-09-08T12:00' }, []],
  ['a minute longer', { until: '2026-09-08T12:01' }, ['too-long']],
  ['an emergency of a day', { kind: 'emergency' }, []],
  ['an emergency of a day and a minute', { kind: 'emergency', until: '2026-06-11T12:01' }, ['too-long']],
  ['for ever', { retention: 'for ever' }, ['retention']],
  ['for no reason', { reason: ' ' }, ['reason']],
  ['that is private', { matching: 'match', elements: 3, fields: [], queries: 0 }, []],
  ['that is private, for networks', { matching: 'count', elements: 3, text: '192.0.2.0/24' }, ['networks']],
  ['that is private, with too few elements', { matching: 'match', elements: 0 }, ['elements']],
  ['that is private, with more than the frame allows', { matching: 'match', elements: 4 }, ['elements']],
])('a request %s', (_, part, expected) => expect(missing(FRAME, { ...CHOSEN, ...part }, NOW)).toEqual(expected))

test('a clock in Japan', () => {
  expect(momentOf('2026-06-10T12:00')).toBe('2026-06-10T12:00:00+09:00')
  expect(momentOf('2026-06-10')).toBeNull()
  expect(momentOf('2026-13-10T12:00')).toBeNull()
  expect(localOf(Date.parse('2026-06-10T03:00:00Z'))).toBe('2026-06-10T12:00')
  expect(hoursMax(FRAME, { kind: 'emergency', category: 'consent' })).toBe(12)
})

test('what is sent is what was chosen', () => {
  expect(wanted({ ...CHOSEN, reason: ' why ' })).toEqual({
    kind: 'ordinary', category: 'foreign-domestic', operators: ['kinki-power'], indicators: ["[domain-name:value = 'evil.example']"], sealed: false, fields: ['ports'], queries_per_day: 2,
    from: '2026-06-10T03:00:00.000Z', until: '2026-06-11T03:00:00.000Z', retention: 'measures-2y', purpose: 'collective-defence', reason: 'why', narrows: null, private: null,
  })
})

test('a private request is sealed, lets nothing leave and asks once a day', () => {
  const { sealed, fields, queries_per_day, private: how } = wanted({ ...CHOSEN, matching: 'match', elements: 3 })
  expect([sealed, fields, queries_per_day]).toEqual([true, [], 1])
  expect(how).toEqual({ mode: 'match', elements: 3, filter_values_max: 1_572_864 })
})
