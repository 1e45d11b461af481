// A commissioner's passkey over a decision (WebAuthn Level 3 §7.2, steps 11 to 20), verified as an edge would.
import type { CommissionDocument, MemberDocument, PublicKeyDocument, RecordedAssertion } from '../api/oversight.ts'
import { equal, fromBase64url, fromHex, isEd25519, sha256, toBase64url, utf8, concat, type Bytes } from './bytes.ts'

/** Why an answer proves nothing. `stranger`: its passkey is no commissioner's of the commission that stands. */
export type Fault = 'form' | 'stranger' | 'question' | 'site' | 'unverified' | 'signature' | 'browser'

export interface Signer {
  /** Whose passkey it is; `null` where nobody of the commission has it. */
  member: MemberDocument | null
  /** Nothing: the browser verified it. */
  fault: Fault | null
}

const USER_PRESENT = 1
const USER_VERIFIED = 4

/** The member whose passkey a credential is, if it was a member then. */
export function memberOf(credential: string, commission: CommissionDocument, asked: string): { member: MemberDocument; key: PublicKeyDocument } | null {
  const at = Date.parse(asked)
  for (const member of commission.members) {
    const key = member.passkeys[credential]
    if (key !== undefined && Date.parse(member.from) <= at && at < Date.parse(member.until)) return { member, key }
  }
  return null
}

/** Who gave an answer to a challenge, and whether it holds. */
export async function verifyAssertion(assertion: RecordedAssertion, challenge: Bytes, commission: CommissionDocument, asked: string): Promise<Signer> {
  const known = memberOf(assertion.credential, commission, asked)
  if (known === null) return { member: null, fault: 'stranger' }
  return { member: known.member, fault: await faultOf(assertion, challenge, known.key, commission) }
}

async function faultOf(assertion: RecordedAssertion, challenge: Bytes, key: PublicKeyDocument, commission: CommissionDocument): Promise<Fault | null> {
  const data = fromBase64url(assertion.authenticator_data)
  const client = fromBase64url(assertion.client_data)
  const signature = fromBase64url(assertion.signature)
  const told = client && readClient(client)
  if (data === null || client === null || signature === null || told === null || data.length < 37) return 'form'
  if (told.type !== 'webauthn.get' || told.challenge !== toBase64url(challenge)) return 'question'
  if (told.crossOrigin === true || !commission.origins.includes(told.origin)) return 'site'
  if (!equal(data.slice(0, 32), await sha256(utf8(commission.rp_id)))) return 'site'
  const flags = data[32] ?? 0
  if ((flags & USER_PRESENT) === 0 || (flags & USER_VERIFIED) === 0) return 'unverified'
  const signed = concat(data, await sha256(client))
  const holds = key.algorithm === 'es256' ? await isEs256(fromHex(key.point), signed, signature) : await ofEd25519(fromHex(key.key), signed, signature)
  return holds === null ? 'browser' : holds ? null : 'signature'
}

function readClient(bytes: Bytes): { type: string; challenge: string; origin: string; crossOrigin?: boolean } | null {
  try {
    const read: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof read === 'object' && read !== null ? read as { type: string; challenge: string; origin: string } : null
  } catch {
    return null
  }
}

const ofEd25519 = async (key: Bytes | null, message: Bytes, signature: Bytes) => (key === null ? false : isEd25519(key, message, signature))

async function isEs256(point: Bytes | null, message: Bytes, signature: Bytes): Promise<boolean> {
  const plain = fromDer(signature)
  if (point === null || plain === null) return false
  try {
    const key = await crypto.subtle.importKey('raw', point, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify'])
    return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, plain, message)
  } catch {
    return false
  }
}

/** Authenticators write ECDSA's two numbers in DER; WebCrypto takes them at their full length, one after the other. */
export function fromDer(signature: Bytes): Bytes | null {
  if (signature[0] !== 0x30 || signature[1] !== signature.length - 2) return null
  const first = readNumber(signature, 2)
  const second = first && readNumber(signature, first.end)
  return first && second && second.end === signature.length ? concat(first.number, second.number) : null
}

function readNumber(bytes: Bytes, at: number): { number: Bytes; end: number } | null {
  const length = bytes[at + 1] ?? 0
  const end = at + 2 + length
  if (bytes[at] !== 0x02 || length < 1 || end > bytes.length) return null
  let digits = bytes.slice(at + 2, end)
  while (digits.length > 32 && digits[0] === 0) digits = digits.slice(1)
  return digits.length > 32 ? null : { number: concat(new Uint8Array(32 - digits.length), digits), end }
}
