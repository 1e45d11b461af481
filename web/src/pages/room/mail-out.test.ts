import { expect, test } from 'vitest'

import type { RoomLine } from '../../api/room.ts'
import { askedOf, choicesOf, goesByMail } from './mail-out.ts'

const line = (tlp: string, says: RoomLine['says']) => ({ entry: 'e', label: { tlp }, says })

test('what is TLP:RED, a stub, or says nothing in words goes by no mail', () => {
  expect(goesByMail(line('amber+strict', { says: 'note', text: 'x' }))).toBe(true)
  expect(goesByMail(line('red', { says: 'note', text: 'x' }))).toBe(false)
  expect(goesByMail(line('green', { says: 'commands' }))).toBe(false)
  expect(goesByMail({ entry: null, label: null, says: null })).toBe(false)
})

test('an organisation and a person of the same name are asked for as what they are', () => {
  const names = { organisation: (name: string) => `O ${name}`, account: (name: string) => `A ${name}` }
  const list = { persons: [{ account: 'x', organisation: 'x' }], members: ['x'], more: false, organisations: {}, people: {} }
  const { members, persons } = choicesOf(list, names)
  expect([members[0]?.label, persons[0]?.label]).toEqual(['O x', 'A x (O x)'])
  const asked = askedOf('k', [...persons, ...members].map((one) => one.value))
  expect(asked).toEqual({ key: 'k', people: ['x'], organisations: ['x'] })
})
