// The way of one record from what it says to what witnesses signed, each step computed here and believed by nobody's word.
import type { CommissionDocument, LogRecord, RecordedDecision, UseReceipt } from '../api/oversight.ts'
import { verifyAssertion, type Signer } from './assertion.ts'
import { equal, fromHex, sha256, toBase64url, toHex, utf8 } from './bytes.ts'
import { canonical, challengeOf, digestOf } from './canonical.ts'
import { cosignatures, isSignedBy, readCheckpoint, readKey, readNote, type Checkpoint, type Cosignature, type VerifierKey } from './note.ts'
import { climb, inclusionPath, leafHash, LogError, publishedEntry, type Fetch, type PathStep } from './tree.ts'

/** `true`: computed here and as it must be; `false`: computed here and wrong; `null`: could not be computed here. */
export type Outcome = boolean | null

export interface Committed {
  /** SHA-256 of a byte 2, the salt and the record. */
  commitment: string
  /** What the entry says. */
  told: string
  holds: Outcome
}

export interface Place {
  index: number
  size: number
  /** The entry as anybody can fetch it; `null` where it is not there yet. */
  published: string | null
  isSame: Outcome
  leaf: string
  path: PathStep[]
  /** What the path leads to. */
  computed: string | null
  checkpoint: Checkpoint | null
  /** The checkpoint's own root, in hexadecimal. */
  root: string | null
  isRoot: Outcome
  key: VerifierKey | null
  isSigned: Outcome
  note: string
  cosignatures: Cosignature[]
  trouble: 'not-yet' | 'unreadable' | null
}

export interface SignedBy {
  /** What each authenticator was asked to sign, in hexadecimal. */
  challenge: string
  /** SHA-256 of the terms in the record, which the decision names. */
  terms: string
  isOfTerms: Outcome
  signers: Signer[]
}

/** Whether an entry commits to a record. */
export async function checkCommitment(entry: string, salt: string, record: string): Promise<Committed> {
  const bytes = fromHex(salt)
  const told = readEntry(entry)?.commitment ?? ''
  if (bytes === null) return { commitment: '', told, holds: false }
  const commitment = toHex(await sha256(Uint8Array.of(2), bytes, utf8(record)))
  return { commitment, told, holds: commitment === told }
}

export interface LogEntry {
  v: number
  kind: string
  hour: string
  of: number | null
  commitment: string
}

/** An entry of the log; `null` where it cannot be read. */
export function readEntry(text: string): LogEntry | null {
  try {
    const read = JSON.parse(text) as LogEntry
    return read.v === 1 && typeof read.commitment === 'string' ? read : null
  } catch {
    return null
  }
}

/** A record; `null` where it cannot be read. */
export function readRecord(text: string): LogRecord | null {
  try {
    const read = JSON.parse(text) as LogRecord
    return typeof read === 'object' && read !== null && typeof read.terms === 'object' ? read : null
  } catch {
    return null
  }
}

/** Whether a record is this very receipt, word for word. */
export function isRecordOf(record: string, receipt: UseReceipt): boolean {
  try {
    return canonical(JSON.parse(record)) === canonical(receipt)
  } catch {
    return false
  }
}

/** Where an entry stands in the published log. `entry`: what we were given; without it, whatever the log has there. */
export async function checkPlace(index: number, entry: string | null, logKey: string, fetch: Fetch, witnesses: readonly VerifierKey[]): Promise<Place> {
  const note = new TextDecoder().decode(await fetch('checkpoint'))
  const read = readNote(note)
  const checkpoint = read && readCheckpoint(read.text)
  const key = await readKey(logKey)
  const place: Place = {
    index, size: checkpoint?.size ?? 0, published: null, isSame: null, leaf: '', path: [], computed: null, checkpoint, root: checkpoint && toHex(checkpoint.root),
    isRoot: null, key, isSigned: null, note, cosignatures: [], trouble: null,
  }
  if (read === null || checkpoint === null || key === null) return { ...place, trouble: 'unreadable' }
  place.isSigned = checkpoint.origin === key.name ? await isSignedBy(read, key) : false
  place.cosignatures = await cosignatures(read, key, witnesses)
  try {
    const published = await publishedEntry(index, checkpoint.size, fetch)
    const own = entry === null ? published : utf8(entry)
    const leaf = await leafHash(own)
    const path = await climb(leaf, await inclusionPath(index, checkpoint.size, fetch))
    const computed = path.at(-1)?.hash ?? leaf
    return {
      ...place, published: new TextDecoder().decode(published), isSame: equal(published, own), leaf: toHex(leaf), path, computed: toHex(computed), isRoot: equal(computed, checkpoint.root),
    }
  } catch (thrown) {
    if (!(thrown instanceof LogError)) throw thrown
    return { ...place, trouble: index >= checkpoint.size ? 'not-yet' : 'unreadable' }
  }
}

/** Who signed a decision, each passkey verified against the commission that stands. */
export async function checkDecision(record: LogRecord, commission: CommissionDocument): Promise<SignedBy | null> {
  if (record.decided === undefined) return null
  const { decision, assertions } = record.decided
  const challenge = await challengeOf('decision', decision)
  const terms = await digestOf(record.terms)
  const signers = await Promise.all(assertions.map((one) => verifyAssertion(one, challenge, commission, decision.asked)))
  return { challenge: toHex(challenge), terms, isOfTerms: terms === decision.terms, signers }
}

/** One word for all of it: everything holds; something is wrong; something could not be computed here. */
export function verdict(outcomes: readonly Outcome[]): 'holds' | 'wrong' | 'open' {
  if (outcomes.includes(false)) return 'wrong'
  return outcomes.includes(null) ? 'open' : 'holds'
}

/** What was to be signed, as it must be for what is on the screen. */
export interface Expected {
  verdict: RecordedDecision['verdict']
  authorisation: string
  terms: unknown
  request: number
  kind: string
}

/** What is wrong with a question that a hub puts to an authenticator: `null` where it asks for exactly what is shown. */
export async function decisionFault(document: RecordedDecision, challenge: string, expected: Expected): Promise<'challenge' | 'document' | null> {
  if (challenge !== toBase64url(await challengeOf('decision', document))) return 'challenge'
  const same = document.verdict === expected.verdict && document.authorisation === expected.authorisation && document.request === expected.request
    && document.kind === expected.kind && document.terms === await digestOf(expected.terms)
  return same ? null : 'document'
}

/** The same for a resolution on a commission or frame. */
export async function resolutionFault(document: { subject: string; digest: string }, challenge: string, expected: { subject: string; document: unknown }): Promise<'challenge' | 'document' | null> {
  if (challenge !== toBase64url(await challengeOf('resolution', document))) return 'challenge'
  return document.subject === expected.subject && document.digest === await digestOf(expected.document) ? null : 'document'
}
