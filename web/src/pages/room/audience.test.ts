import { expect, test } from 'vitest'

import { isComplete, labelOf, levelsFor, scopeOf, type Choice } from './audience.ts'

const choice = (change: Partial<Choice>): Choice => ({ scope: 'side', tlp: 'amber', organisations: [], stub: false, ...change })

test('an entry is never freer than its case', () => {
  expect(levelsFor('amber')).toEqual(['amber', 'amber+strict', 'red'])
  expect(levelsFor('clear')).toHaveLength(5)
  expect(levelsFor(undefined)).toEqual(['red'])
})

test('the side room is one organisation, and what is for all names nobody', () => {
  expect(labelOf(choice({ stub: true }), 'h-me')).toEqual({ tlp: 'amber', only: ['h-me'], stub: true })
  expect(labelOf(choice({ scope: 'room', stub: true }), 'h-me')).toEqual({ tlp: 'amber', stub: false })
  expect(labelOf(choice({ scope: 'some', organisations: ['h-you'] }), 'h-me')).toEqual({ tlp: 'amber', only: ['h-you'], stub: false })
})

test('whoever chooses some names them', () => {
  expect(isComplete(choice({ scope: 'some' }))).toBe(false)
  expect(isComplete(choice({}))).toBe(true)
})

test('a label is read as it was chosen', () => {
  expect(scopeOf({ tlp: 'amber', stub: false }, 'h-me')).toBe('room')
  expect(scopeOf({ tlp: 'amber', only: ['h-me'], stub: false }, 'h-me')).toBe('side')
  expect(scopeOf({ tlp: 'amber', only: ['h-me', 'h-you'], stub: false }, 'h-me')).toBe('some')
})
