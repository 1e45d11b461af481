import { expect, it } from 'vitest'

import { canonical } from './canonical.ts'
import { SignerFixture } from './log.fixture.ts'
import { isSignedByAny, readStatement } from './statement.ts'

const NUMBERS = ['requested', 'requested_in_emergency', 'granted', 'granted_in_emergency', 'refused', 'withdrawn', 'suspended', 'resumed', 'revoked', 'used', 'operators']
const counts = Object.fromEntries(NUMBERS.map((name) => [name, name === 'operators' ? 'few' : { number: 0 }]))
const told = { v: 1, log: 'hub.example.jp/log/authorisations', size: 9, root: '00'.repeat(32), from: '2025-03-31T15:00:00Z', until: '2026-03-31T15:00:00Z', suppressed_below: 5, categories: { consent: counts }, all: counts }

const signer = new SignerFixture('commission.example/statistics', 1)
const note = (text: string) => `${text}\n${signer.line(text)}`
const statement = (body: string) => note(`yagura-statistics/v1\n${body}\n`)

it('a statement is read as the program writes it, and in no other form', () => {
  expect(readStatement(statement(canonical(told)))).toEqual(told)
  for (const other of [
    '', canonical(told), statement(JSON.stringify(told, null, 1)), statement('{"v":1}'), statement('no JSON'), note(`yagura-something/v1\n${canonical(told)}\n`), note(`${canonical(told)}\n`),
  ]) expect(readStatement(other), other.slice(0, 40)).toBeNull()
})

it('a statement is signed by a key that we know, or is not', async () => {
  const signed = statement(canonical(told))
  const stranger = new SignerFixture('commission.example/statistics', 1)
  expect(await isSignedByAny(signed, [stranger.verifier, signer.verifier])).toBe(true)
  expect(await isSignedByAny(signed, [stranger.verifier])).toBe(false)
  expect(await isSignedByAny(signed, [])).toBe(false)
  expect(await isSignedByAny(signed, ['no key'])).toBe(false)
  expect(await isSignedByAny(signed.replace('"size":9', '"size":8'), [signer.verifier])).toBe(false)
  expect(await isSignedByAny('no note', [signer.verifier])).toBe(false)
})
