// Signed checkpoints (C2SP signed-note, tlog-checkpoint) and the cosignatures under them (C2SP tlog-cosignature).
import { concat, equal, fromBase64, isEd25519, sha256, utf8, type Bytes } from './bytes.ts'

export interface SignatureLine {
  name: string
  /** First four bytes: which key. */
  id: Bytes
  signature: Bytes
}

export interface Note {
  /** What is signed, with its last line feed. */
  text: string
  lines: SignatureLine[]
}

export interface Checkpoint {
  origin: string
  size: number
  root: Bytes
}

export interface VerifierKey {
  name: string
  id: Bytes
  /** 1: Ed25519; 4: a cosigner's Ed25519; 6: ML-DSA-44. */
  algorithm: number
  key: Bytes
}

const LINE = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u

/** Reads a signed note; `null` where it is none. */
export function readNote(note: string): Note | null {
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n')) return null
  const lines = note.slice(end + 2, -1).split('\n').map((line) => {
    const [, name, encoded] = LINE.exec(line) ?? []
    const bytes = encoded === undefined ? null : fromBase64(encoded)
    return name === undefined || bytes === null || bytes.length < 5 ? null : { name, id: bytes.slice(0, 4), signature: bytes.slice(4) }
  })
  return lines.every((line) => line !== null) ? { text: note.slice(0, end + 1), lines } : null
}

/** Reads what a log says of itself; `null` where a text is no checkpoint. */
export function readCheckpoint(text: string): Checkpoint | null {
  const [origin, size, encoded] = text.split('\n')
  const root = fromBase64(encoded ?? '')
  if (origin === undefined || origin === '' || size === undefined || !/^(?:0|[1-9]\d{0,15})$/u.test(size) || root?.length !== 32) return null
  return { origin, size: Number(size), root }
}

/** Reads a verifier key (`name+hash+base64`); `null` where it is none, or its hash is not that of its name and key. */
export async function readKey(text: string): Promise<VerifierKey | null> {
  const [, name, hash, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(text.trim()) ?? []
  const bytes = encoded === undefined ? null : fromBase64(encoded)
  if (name === undefined || bytes === null || bytes.length < 2) return null
  const id = (await sha256(utf8(`${name}\n`), bytes)).slice(0, 4)
  const told = Uint8Array.from(hash?.match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16))
  return equal(id, told) ? { name, id, algorithm: bytes[0] ?? 0, key: bytes.slice(1) } : null
}

/** Whether the log with this key signed the note; `null` where this browser cannot tell. */
export async function isSignedBy(note: Note, key: VerifierKey): Promise<boolean | null> {
  const line = note.lines.find((one) => one.name === key.name && equal(one.id, key.id))
  if (line === undefined || key.algorithm !== 1) return false
  return isEd25519(key.key, utf8(note.text), line.signature)
}

export interface Cosignature {
  name: string
  /** When the witness saw that the log had only grown; `null` where the line says no time. */
  at: string | null
  /** `null`: its key is not known here, or the browser does not know its kind. */
  holds: boolean | null
}

/** The signatures beside the log's own, verified as far as keys of their witnesses are at hand. */
export async function cosignatures(note: Note, log: VerifierKey, witnesses: readonly VerifierKey[]): Promise<Cosignature[]> {
  const others = note.lines.filter((line) => !(line.name === log.name && equal(line.id, log.id)))
  return Promise.all(others.map(async (line) => {
    const seconds = line.signature.length > 8 ? new DataView(line.signature.buffer, line.signature.byteOffset, 8).getBigUint64(0) : null
    const at = seconds === null || seconds > 253_402_300_799n ? null : new Date(Number(seconds) * 1000).toISOString()
    const key = witnesses.find((one) => one.name === line.name && equal(one.id, line.id))
    const holds = key?.algorithm === 4 && seconds !== null
      ? await isEd25519(key.key, concat(utf8(`cosignature/v1\ntime ${seconds}\n`), utf8(note.text)), line.signature.slice(8))
      : null
    return { name: line.name, at, holds }
  }))
}
