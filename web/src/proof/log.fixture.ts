// A log made with another implementation of SHA-256 than the one under test: what the tests of proofs read.
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

import type { Bytes } from './bytes.ts'

const hash = (...parts: Uint8Array[]) => parts.reduce((all, part) => all.update(part), createHash('sha256')).digest()

export class LogFixture {
  readonly entries: Uint8Array[]
  /** The tree's whole nodes by level, lowest first. */
  readonly levels: Buffer[][]

  constructor(entries: Uint8Array[]) {
    this.entries = entries
    this.levels = [entries.map((entry) => hash(Uint8Array.of(0), entry))]
    for (;;) {
      const below = this.levels.at(-1) ?? []
      if (below.length < 2) break
      this.levels.push(Array.from({ length: Math.floor(below.length / 2) }, (_, place) => hash(Uint8Array.of(1), below[2 * place] ?? Buffer.of(), below[2 * place + 1] ?? Buffer.of())))
    }
  }

  /** RFC 6962 §2.1 as it is written there. */
  root(low = 0, high = this.entries.length): Buffer {
    if (high - low === 1) return this.levels[0]?.[low] ?? Buffer.of()
    let split = 1
    while (split * 2 < high - low) split *= 2
    return hash(Uint8Array.of(1), this.root(low, low + split), this.root(low + split, high))
  }

  /** A file of the log as it is published for its whole size. */
  file(path: string): Buffer {
    const [, kind = '', place = '', width = '256'] = /^tile\/(entries|\d+)\/([\dx/]+?)(?:\.p\/(\d+))?$/u.exec(path) ?? []
    const first = Number(place.replaceAll(/[x/]/gu, '')) * 256
    if (kind === 'entries') return Buffer.concat(this.entries.slice(first, first + Number(width)).flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]))
    const nodes = (this.levels[Number(kind) * 8] ?? []).slice(first, first + Number(width))
    if (nodes.length !== Number(width)) throw new Error(`no such tile: ${path}`)
    return Buffer.concat(nodes)
  }
}

/** A log's key and what it signs. */
export class SignerFixture {
  readonly verifier: string
  readonly #id: Buffer
  readonly #key: KeyObject
  readonly #name: string

  constructor(name: string, algorithm: 1 | 4) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const key = Buffer.concat([Uint8Array.of(algorithm), raw])
    this.#name = name
    this.#key = privateKey
    this.#id = hash(Buffer.from(`${name}\n`), key).subarray(0, 4)
    this.verifier = `${name}+${this.#id.toString('hex')}+${key.toString('base64')}`
  }

  line(text: string): string {
    return `— ${this.#name} ${Buffer.concat([this.#id, sign(null, Buffer.from(text), this.#key)]).toString('base64')}\n`
  }

  cosignature(text: string, seconds: number): string {
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(BigInt(seconds))
    return `— ${this.#name} ${Buffer.concat([this.#id, time, sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), this.#key)]).toString('base64')}\n`
  }
}

/** Bytes in an array of their own, as `fetch` gives them. */
export const bytesOf = (buffer: Uint8Array): Bytes => Uint8Array.from(buffer)
