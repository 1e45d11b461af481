import { expect, test } from 'vitest'

import { isSame, peopleOf } from './people.ts'

const you = { account: 'me', organisation: 'h-nco' }
const line = (by: string | null, organisation: string) => ({ kind: 'entry', at: '2026-11-30T00:00:00Z', case: 'incident--1', by, organisation })
const situation = { members: [], commander: { account: 'chief', organisation: 'h-police' }, hand_over: null, leads: {}, period: null, periods: [], tasks: [], decisions: [], proposed: null, declared: null, objects: [] }

test('whoever wrote can be given something, oneself first', () => {
  const people = peopleOf({ you, situation, timeline: [line('b', 'h-police'), line(null, 'h-nco'), line('b', 'h-old')] })
  expect(people.map((one) => `${one.account}@${one.organisation}`)).toEqual(['me@h-nco', 'b@h-police', 'chief@h-police'])
})

test('a person is an account of an organisation', () => {
  expect(isSame({ account: 'me', organisation: 'h-nco' }, you)).toBe(true)
  expect(isSame({ account: 'me', organisation: 'h-other' }, you)).toBe(false)
  expect(isSame(null, you)).toBe(false)
})
