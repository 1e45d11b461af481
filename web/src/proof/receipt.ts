import type { Use, UseReceipt } from '../api/oversight.ts'
import { concat, fromHex, isEd25519, utf8 } from './bytes.ts'
import { canonical } from './canonical.ts'
import type { Outcome } from './inspect.ts'

const DOMAIN = 'yagura receipt v1\0'

/** The bytes that an edge signs for a use. */
export const signedUse = (used: Use) => concat(utf8(DOMAIN), utf8(canonical(used)))

/** Whether the edge with this key signed for the use; `null` where the browser cannot tell. */
export async function isReceiptOf(receipt: UseReceipt, key: string): Promise<Outcome> {
  const [bytes, signature] = [fromHex(key), fromHex(receipt.signature)]
  return bytes === null || signature === null ? false : isEd25519(bytes, signedUse(receipt.used), signature)
}
