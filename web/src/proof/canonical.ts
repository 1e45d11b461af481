import { sha256, toHex, utf8, type Bytes } from './bytes.ts'

/** A document as it is hashed and signed (RFC 8785): members by name, no space, numbers and texts as JavaScript writes them. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    // Names are compared by their UTF-16 units, which is what JavaScript's own comparison does.
    const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
  }
  return JSON.stringify(value)
}

/** SHA-256 of a document in hexadecimal, as terms, frames and commissions are named by. */
export const digestOf = async (document: unknown): Promise<string> => toHex(await sha256(utf8(canonical(document))))

/** What stands before a text under the hash that authenticators sign, so that no other question has the same challenge. */
const DOMAINS = {
  decision: 'yagura decision of the commission v1\0',
  resolution: 'yagura resolution of the commission v1\0',
}

export type Ballot = keyof typeof DOMAINS

/** What an authenticator is asked to sign for a decision or a resolution. */
export const challengeOf = (ballot: Ballot, document: unknown): Promise<Bytes> => sha256(utf8(DOMAINS[ballot]), utf8(canonical(document)))
