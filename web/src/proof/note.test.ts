import { expect, it, test } from 'vitest'

import { toHex } from './bytes.ts'
import { SignerFixture } from './log.fixture.ts'
import { cosignatures, isSignedBy, readCheckpoint, readKey, readNote } from './note.ts'

// The example of Go's golang.org/x/mod/sumdb/note.
const KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`

const isSigned = async (note: string, verifier: string) => {
  const [read, key] = [readNote(note), await readKey(verifier)]
  return read && key && isSignedBy(read, key)
}

test('a note that Go signed', async () => expect(await isSigned(NOTE, KEY)).toBe(true))
test('a note of which a letter was changed', async () => expect(await isSigned(NOTE.replace('answer', 'Answer'), KEY)).toBe(false))
test('a note of somebody else', async () => expect(await isSigned(NOTE, new SignerFixture('PeterNeumann', 1).verifier)).toBe(false))

test.each([
  ['nothing', ''], ['no signature', 'text\n\n'], ['no blank line', 'text\n— a AAAAAAAA\n'], ['base64 with another end', NOTE.replace('nAM=', 'nAN=')], ['no last line feed', NOTE.slice(0, -1)],
])('%s is no note', (_, text) => expect(readNote(text)).toBeNull())

test.each([
  ['another name', KEY.replace('Peter', 'Paul')], ['another hash', KEY.replace('c74f', 'c74e')], ['no key', 'name+00000000+'], ['words', 'hello'],
])('%s is no verifier key', async (_, text) => expect(await readKey(text)).toBeNull())

const ROOT = `${'A'.repeat(43)}=`
test.each<[string, string, number | null]>([
  ['a checkpoint', `log\n12\n${ROOT}\n`, 12], ['an empty log', `log\n0\n${ROOT}\n`, 0], ['a leading nought', `log\n012\n${ROOT}\n`, null], ['a short root', 'log\n12\nAAAA\n', null], ['no origin', `\n12\n${ROOT}\n`, null],
])('%s is read', (_, text, size) => expect(readCheckpoint(text)?.size ?? null).toBe(size))

it('cosignatures are told with their time, and verified where the witness’s key is known', async () => {
  const text = `log.example/log\n3\n${ROOT}\n`
  const [log, known, unknown] = [new SignerFixture('log.example/log', 1), new SignerFixture('w.example/w', 4), new SignerFixture('other.example/w', 4)]
  const note = readNote(`${text}\n${log.line(text)}${known.cosignature(text, 1_800_000_000)}${unknown.cosignature(text, 1_800_000_001)}`)
  const [logKey, witness, forger] = await Promise.all([log, known, new SignerFixture('w.example/w', 4)].map((signer) => readKey(signer.verifier)))
  if (!note || !logKey || !witness || !forger) throw new Error('unreadable')
  expect(await isSignedBy(note, logKey)).toBe(true)
  expect(await cosignatures(note, logKey, [witness])).toEqual([
    { name: 'w.example/w', at: '2027-01-15T08:00:00.000Z', holds: true },
    { name: 'other.example/w', at: '2027-01-15T08:00:01.000Z', holds: null },
  ])
  // The same line under another checkpoint.
  const moved = { ...note, text: note.text.replace('\n3\n', '\n4\n') }
  expect((await cosignatures(moved, logKey, [witness]))[0]?.holds).toBe(false)
  // Another key by the same name has another id: it is not this witness.
  expect((await cosignatures(note, logKey, [forger]))[0]?.holds).toBeNull()
  expect(toHex(logKey.id)).toHaveLength(8)
})
