/** Larger files are not read twice: the hub computes their hashes, and tells them. */
export const HASHED_HERE_MAX = 256 * 1024 * 1024

/** A file's SHA-256 in hexadecimal, as it leaves this machine; nothing where it is too large or cannot be read. */
export async function hashOf(file: Blob): Promise<string | null> {
  if (file.size > HASHED_HERE_MAX) return null
  const hash = await crypto.subtle.digest('SHA-256', new Uint8Array(await file.arrayBuffer()))
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Letters and digits that nobody mistakes for one another when they are read out or copied by hand. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789'
const [GROUPS, GROUP] = [5, 4]

/** A password for an archive: 20 characters of 31, about 99 bits, in groups. */
export function newPassword(random: (bytes: Uint8Array<ArrayBuffer>) => void = (bytes) => { crypto.getRandomValues(bytes) }): string {
  const drawn: string[] = []
  const fair = 256 - (256 % LETTERS.length)
  while (drawn.length < GROUPS * GROUP) {
    const bytes = new Uint8Array(64)
    random(bytes)
    // What would favour some letters is drawn anew.
    drawn.push(...[...bytes].filter((byte) => byte < fair).map((byte) => LETTERS.charAt(byte % LETTERS.length)))
  }
  return Array.from({ length: GROUPS }, (_, place) => drawn.slice(place * GROUP, (place + 1) * GROUP).join('')).join('-')
}

/** Saves a file under its name. It is never opened here: its type is one that no browser shows. */
export function save(name: string, content: Blob): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
