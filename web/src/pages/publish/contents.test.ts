import { expect, test } from 'vitest'

import { contentsOf } from './contents.ts'

const green = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
const one = { type: 'indicator', id: 'indicator--1', object_marking_refs: [green] }
const bare = { type: 'malware', id: 'malware--1' }

test('what a text holds is told before it is sent', () => {
  const check = (text: string, expected: Partial<ReturnType<typeof contentsOf>>) => expect(contentsOf(text)).toMatchObject(expected)
  check(JSON.stringify({ type: 'bundle', objects: [one, one, bare] }), { fault: null, count: 3, types: [['indicator', 2], ['malware', 1]], unmarked: 1 })
  check(JSON.stringify([one]), { fault: null, count: 1, unmarked: 0 })
  check(JSON.stringify(bare), { fault: null, count: 1, unmarked: 1 })
  check(`${JSON.stringify(one)}\n${JSON.stringify(bare)}\n`, { fault: null, count: 2 })
  check(JSON.stringify({ ...one, object_marking_refs: ['marking-definition--x'] }), { unmarked: 0 })
  check('{"type":"bundle"', { fault: 'json' })
  check('{"type":"bundle","objects":[]}', { fault: 'empty', count: 0 })
  check('7', { fault: 'empty' })
})
