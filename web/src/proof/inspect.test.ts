import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { beforeAll, describe, expect, it, test } from 'vitest'

import type { CommissionDocument, RecordedAssertion, RecordedDecision, Terms } from '../api/oversight.ts'
import { fromDer, verifyAssertion } from './assertion.ts'
import { fromHex, toBase64url, toHex, utf8, type Bytes } from './bytes.ts'
import { canonical, challengeOf, digestOf } from './canonical.ts'
import { checkCommitment, checkDecision, checkPlace, decisionFault, isRecordOf, resolutionFault, verdict } from './inspect.ts'
import { bytesOf, LogFixture, SignerFixture } from './log.fixture.ts'
import { isReceiptOf } from './receipt.ts'

test('a document is written as RFC 8785 §3.2.2 has its example', () => {
  const example: unknown = JSON.parse(String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"€$\u000F\nA'B\"\\\\\"/","literals":[null,true,false]}`)
  expect(canonical(example)).toBe(String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`)
})

test('members stand in the order of their UTF-16 units (RFC 8785 §3.2.3)', () => {
  expect(canonical({ '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 })).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
})

const ORIGIN = 'https://hub.example.jp'
const ROOT = 'ab'.repeat(32)
const sha256 = (...parts: Uint8Array[]) => parts.reduce((all, part) => all.update(part), createHash('sha256')).digest()

/** A passkey as an authenticator holds it. */
class Passkey {
  readonly #key: KeyObject
  readonly point: string
  readonly credential: string

  constructor(credential: string) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    this.credential = credential
    this.point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex')
  }

  answer(challenge: Bytes, { flags = 5, origin = ORIGIN, rpId = 'hub.example.jp', type = 'webauthn.get' } = {}): RecordedAssertion {
    const data = Buffer.concat([sha256(Buffer.from(rpId)), Uint8Array.of(flags, 0, 0, 0, 0)])
    const client = Buffer.from(JSON.stringify({ type, challenge: toBase64url(challenge), origin, crossOrigin: false }))
    const signature = sign('sha256', Buffer.concat([data, sha256(client)]), this.#key)
    return { credential: this.credential, authenticator_data: toBase64url(data), client_data: toBase64url(client), signature: toBase64url(signature) }
  }
}

const passkey = new Passkey('one')
const member = { id: 'p1', name: '監理官 一', from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', passkeys: { one: { algorithm: 'es256' as const, point: passkey.point } } }
const commission: CommissionDocument = { version: 1, name: '委員会', rp_id: 'hub.example.jp', origins: [ORIGIN], threshold: 2, members: [member] }
const ASKED = '2026-06-01T00:00:00Z'

describe('a passkey’s answer', () => {
  let challenge: Bytes
  beforeAll(async () => { challenge = await challengeOf('decision', { a: 1 }) })
  const check = async (answer: RecordedAssertion, fault: string | null, asked = ASKED) => expect((await verifyAssertion(answer, challenge, commission, asked)).fault).toBe(fault)
  it('holds, whatever the length of its numbers in DER', async () => {
    for (let number = 0; number < 40; number += 1) await check(passkey.answer(challenge), null)
  })
  it('to another question does not', async () => check(passkey.answer(await challengeOf('resolution', { a: 1 })), 'question'))
  it('of a registration does not', () => check(passkey.answer(challenge, { type: 'webauthn.create' }), 'question'))
  it('at another site does not', () => check(passkey.answer(challenge, { origin: 'https://evil.example' }), 'site'))
  it('for another site does not', () => check(passkey.answer(challenge, { rpId: 'evil.example' }), 'site'))
  it('without its owner does not', () => check(passkey.answer(challenge, { flags: 1 }), 'unverified'))
  it('of a stranger does not', () => check({ ...passkey.answer(challenge), credential: 'two' }, 'stranger'))
  it('after the term of office does not', () => check(passkey.answer(challenge), 'stranger', '2027-01-01T00:00:00Z'))
  it('by another key does not', () => check({ ...new Passkey('one').answer(challenge) }, 'signature'))
  it('that is cut short does not', () => check({ ...passkey.answer(challenge), authenticator_data: 'AAAA' }, 'form'))
})

test.each([['', null], ['3006020101020102', `${'0'.repeat(63)}1${'0'.repeat(63)}2`], ['3007020101020102', null], ['300602010102010200', null], ['3006020101030102', null]])('DER %s', (der, plain) => {
  const read = fromDer(fromHex(der) ?? new Uint8Array())
  expect(read && toHex(read)).toBe(plain)
})

const TERMS: Terms = {
  id: '0f5e2b1c-0000-4000-8000-000000000001', kind: 'ordinary', category: 'foreign-domestic', article: 'Act 42/2025 art. 32(1)', requested_by: 'npa', operators: ['kinki-power'], list_root: '00'.repeat(32), list_size: 2,
  fields: ['addresses'], queries_per_day: 2, from: '2026-06-01T00:00:00Z', until: '2026-06-02T00:00:00Z', retention: 'measures-2y', purpose: 'collective-defence', reason: '指令サーバーとの通信', narrows: null,
}

async function decision(): Promise<RecordedDecision> {
  return { verdict: 'grant', authorisation: TERMS.id, request: 3, terms: await digestOf(TERMS), kind: 'ordinary', frame: 'ff'.repeat(32), number: 1, asked: ASKED, reason: '' }
}

test('a decision is verified against its terms and its signers', async () => {
  const decided = await decision()
  const answer = passkey.answer(await challengeOf('decision', decided))
  const check = (record: unknown) => checkDecision(record as Parameters<typeof checkDecision>[0], commission)
  const good = await check({ v: 1, terms: TERMS, decided: { decision: decided, assertions: [answer] } })
  expect([good?.isOfTerms, good?.signers]).toEqual([true, [{ member, fault: null }]])
  // Terms that were widened after they were signed.
  expect((await check({ v: 1, terms: { ...TERMS, list_size: 200 }, decided: { decision: decided, assertions: [answer] } }))?.isOfTerms).toBe(false)
  expect((await check({ v: 1, terms: TERMS, decided: { decision: { ...decided, number: 2 }, assertions: [answer] } }))?.signers[0]?.fault).toBe('question')
  expect(await check({ v: 1, terms: TERMS })).toBeNull()
})

test('a question is put to the authenticator only if it asks for what is shown', async () => {
  const decided = await decision()
  const challenge = toBase64url(await challengeOf('decision', decided))
  const expected = { verdict: 'grant' as const, authorisation: TERMS.id, terms: TERMS, request: 3, kind: 'ordinary' }
  expect(await decisionFault(decided, challenge, expected)).toBeNull()
  // The hub shows one thing and has another one signed.
  const other = toBase64url(await challengeOf('decision', { ...decided, authorisation: 'another' }))
  expect(await decisionFault(decided, other, expected)).toBe('challenge')
  for (const change of [{ verdict: 'revoke' as const }, { authorisation: 'another' }, { terms: { ...TERMS, list_size: 3 } }, { request: 4 }, { kind: 'emergency' }]) {
    expect(await decisionFault(decided, challenge, { ...expected, ...change })).toBe('document')
  }
  const resolution = { subject: 'frame', digest: await digestOf({ version: 1 }) }
  const asked = toBase64url(await challengeOf('resolution', resolution))
  expect(await resolutionFault(resolution, asked, { subject: 'frame', document: { version: 1 } })).toBeNull()
  expect(await resolutionFault(resolution, asked, { subject: 'frame', document: { version: 2 } })).toBe('document')
  expect(await resolutionFault(resolution, challenge, { subject: 'frame', document: { version: 1 } })).toBe('challenge')
})

describe('a record in the published log', () => {
  const record = '{"terms":{},"v":1}'
  const salt = 'ab'.repeat(32)
  const commitment = sha256(Uint8Array.of(2), Buffer.from(salt, 'hex'), Buffer.from(record)).toString('hex')
  const entry = JSON.stringify({ commitment, hour: '2026-06-01T00:00:00Z', kind: 'request', of: null, v: 1 })
  const log = new LogFixture([Buffer.from('first'), Buffer.from(entry), Buffer.from('third')])
  const signer = new SignerFixture('hub.example.jp/log/authorisations', 1)
  const text = `hub.example.jp/log/authorisations\n3\n${log.root().toString('base64')}\n`
  const files = (note: string) => (path: string) => Promise.resolve(path === 'checkpoint' ? utf8(note) : bytesOf(log.file(path)))
  const place = (given: string | null, note = `${text}\n${signer.line(text)}`, index = 1, key = signer.verifier) => checkPlace(index, given, key, files(note), [])

  it('is committed to by its entry and nothing else is', async () => {
    expect((await checkCommitment(entry, salt, record)).holds).toBe(true)
    expect((await checkCommitment(entry, salt, record.replace('1', '2'))).holds).toBe(false)
    expect((await checkCommitment(entry, 'ac'.repeat(32), record)).holds).toBe(false)
    expect((await checkCommitment(entry, 'no hex', record)).holds).toBe(false)
    expect((await checkCommitment('none', salt, record)).holds).toBe(false)
  })
  it('of a use is the receipt that is shown, or is not', () => {
    const used = { authorisation: 'a', grant: 1, operator: 'kinki-power', edge: 'e', asked_by: 'npa', asked: ROOT, count: 1, at: ASKED, number: 1 }
    // The edge's own order of members; the hub hands out another one.
    const written = JSON.stringify({ used, signature: 'ab' })
    const shown = { signature: 'ab', used: { ...used } }
    expect(isRecordOf(written, shown)).toBe(true)
    expect(isRecordOf(written, { ...shown, signature: 'ac' })).toBe(false)
    expect(isRecordOf(written, { ...shown, used: { ...used, count: 2 } })).toBe(false)
    expect(isRecordOf('no receipt', shown)).toBe(false)
  })
  it('stands at its place, under a signed root', async () => {
    const found = await place(entry)
    expect([found.isSame, found.isRoot, found.isSigned, found.trouble, found.path.map(({ side }) => side)]).toEqual([true, true, true, null, ['left', 'right']])
  })
  it('does not where another entry was shown to us', async () => {
    const found = await place(entry.replace('request', 'grant'))
    expect([found.isSame, found.isRoot]).toEqual([false, false])
  })
  it('does not where the root is another one', async () => {
    const other = text.replace(log.root().toString('base64'), `${'A'.repeat(43)}=`)
    const found = await place(entry, `${other}\n${signer.line(other)}`)
    expect([found.isSame, found.isRoot, found.isSigned]).toEqual([true, false, true])
  })
  it('does not where the checkpoint is unsigned, another log’s, or of another key', async () => {
    expect((await place(entry, `${text}\n${signer.line(`${text} `)}`)).isSigned).toBe(false)
    expect((await place(entry, `${text}\n${signer.line(text)}`, 1, new SignerFixture('hub.example.jp/log/authorisations', 1).verifier)).isSigned).toBe(false)
    const foreign = text.replace('hub', 'evil')
    expect((await place(entry, `${foreign}\n${signer.line(foreign)}`)).isSigned).toBe(false)
  })
  it('is not there yet, or cannot be read', async () => {
    expect((await place(entry, `${text}\n${signer.line(text)}`, 3)).trouble).toBe('not-yet')
    expect((await place(entry, 'nothing')).trouble).toBe('unreadable')
  })
})

test('one thing that is wrong outweighs whatever holds', () => {
  expect(verdict([true, true])).toBe('holds')
  expect(verdict([true, null])).toBe('open')
  expect(verdict([true, null, false])).toBe('wrong')
})

test('a receipt is an edge’s by its key', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
  const used = { authorisation: TERMS.id, grant: 4, operator: 'kinki-power', edge: 'kinki-power-1', asked_by: 'npa', asked: '00'.repeat(32), count: 2, at: ASKED, number: 1 }
  const text = `yagura receipt v1\0{"asked":"${used.asked}","asked_by":"npa","at":"${ASKED}","authorisation":"${TERMS.id}","count":2,"edge":"kinki-power-1","grant":4,"number":1,"operator":"kinki-power"}`
  const signature = sign(null, Buffer.from(text), privateKey).toString('hex')
  expect(await isReceiptOf({ used, signature }, key)).toBe(true)
  expect(await isReceiptOf({ used: { ...used, count: 3 }, signature }, key)).toBe(false)
  expect(await isReceiptOf({ used, signature }, 'zz')).toBe(false)
})
