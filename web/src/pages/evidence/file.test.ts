import { expect, test } from 'vitest'

import { fileName } from '../../api/client.ts'
import { hashOf, newPassword } from './file.ts'

test('a file is hashed as it leaves', async () => {
  expect(await hashOf(new Blob(['abc']))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('a password is drawn from letters that nobody mistakes, and none is favoured', () => {
  const password = newPassword()
  expect(password).toMatch(/^(?:[a-hj-kmnp-z2-9]{4}-){4}[a-hj-kmnp-z2-9]{4}$/u)
  expect(newPassword()).not.toBe(password)
  let calls = 0
  const first = newPassword((bytes) => {
    bytes.fill(calls === 0 ? 255 : 0)
    calls += 1
  })
  expect([first, calls]).toEqual(['aaaa-aaaa-aaaa-aaaa-aaaa', 2])
})

test('an answer names its file, and what names none is a file', () => {
  expect(fileName("attachment; filename=\"evidence.zip\"; filename*=UTF-8''%E8%A8%BC%E6%8B%A0.zip")).toBe('証拠.zip')
  expect(fileName(null)).toBe('file')
  expect(fileName("attachment; filename*=UTF-8''%E8%A8")).toBe('file')
})
