import { expect, it } from 'vitest'

import { changedFiles, compare, nearChanges } from './lines.ts'

const short = (before: string, after: string) =>
  compare([...before], [...after]).map((line) => ({ kept: ' ', added: '+', removed: '-' })[line.kind] + line.text).join('')

it('says which lines stay, come and go', () => {
  expect(short('abc', 'abc')).toBe(' a b c')
  expect(short('abc', 'axc')).toBe(' a-b+x c')
  expect(short('', 'ab')).toBe('+a+b')
  expect(short('ab', '')).toBe('-a-b')
  expect(short('abcabba', 'cbabac')).toHaveLength(2 * (7 + 6 - 4))
  expect(short('aab', 'ab')).toBe(' a-a b')
})

it('brings either text back', () => {
  const before = 'permit\nwhen\na\nb\n;'.split('\n')
  const after = 'permit\nwhen\nb\nc\n;\nforbid'.split('\n')
  const lines = compare(before, after)
  expect(lines.filter((line) => line.kind !== 'added').map((line) => line.text)).toEqual(before)
  expect(lines.filter((line) => line.kind !== 'removed').map((line) => line.text)).toEqual(after)
})

it('tells of the files that differ, also of those that come and go', () => {
  const file = (name: string, text: string) => ({ name, text })
  const found = changedFiles([file('a', '1\n'), file('b', '1\n2\n')], [file('b', '1\n3\n'), file('c', '4\n'), file('a', '1\n')])
  expect(found.map(({ name, added, removed }) => [name, added, removed])).toEqual([['b', 1, 1], ['c', 1, 0]])
  expect(changedFiles([file('b', '1')], []).map(({ removed }) => removed)).toEqual([1])
})

it('leaves out what is far from a change', () => {
  const lines = compare([...'0123456789'], [...'01234x6789'])
  const shown = nearChanges(lines).map((line) => line?.text ?? '…').join('')
  expect(shown).toBe('…2345x678…')
})
