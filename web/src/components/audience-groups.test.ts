import { expect, test } from 'vitest'

import type { Audience, AudienceReader } from '../api/agreements.ts'
import { alike, byReason, reachesOthers } from './audience-groups.ts'

const ALL = ['person', 'program', 'edge']
const reader = (organisation: string, rule: string, kinds = ALL, agreement?: string): AudienceReader => (
  { organisation, name_ja: organisation, name_en: organisation, kinds, because: { rules: [{ id: rule, ja: '', en: '' }], ...(agreement === undefined ? {} : { agreement, term: 1 }) } })
const audience = (id: string, type: string, readers: AudienceReader[], count = 1): Audience => (
  { id, object_type: type, tlp: 'amber', unknown_markings: [], readers, others: 0, count, further: [] })

test('readers are told by what decided, without our own organisation, the most first', () => {
  const groups = byReason([reader('us', 'own'), reader('aurora', 'agreement', ALL, 'a'), reader('one', 'amber'), reader('two', 'amber', ALL), reader('three', 'amber', ['person'])], 'us')
  expect(groups.map(({ readers, because, kinds }) => [readers.map((one) => one.organisation), because.agreement ?? null, kinds])).toEqual([
    [['one', 'two'], null, null], [['aurora'], 'a', null], [['three'], null, ['person']],
  ])
})

test('objects with one audience are told of together, others apart', () => {
  const amber = [reader('one', 'amber')]
  const told = alike([audience('i1', 'indicator', amber, 3), audience('m1', 'malware', amber), audience('r1', 'report', [])])
  expect(told.map(({ types, count }) => [types, count])).toEqual([[[['indicator', 3], ['malware', 1]], 4], [[['report', 1]], 1]])
})

test('what only we see reaches nobody', () => {
  expect(reachesOthers(audience('i1', 'indicator', [reader('us', 'own')]), 'us')).toBe(false)
  expect(reachesOthers(audience('i1', 'indicator', [reader('us', 'own'), reader('one', 'amber')]), 'us')).toBe(true)
})
