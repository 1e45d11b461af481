import type { StatisticsDocument } from '../api/oversight.ts'
import { canonical } from './canonical.ts'
import { isSignedBy, readKey, readNote } from './note.ts'

/** What a statement of statistics says it is, on its first line. */
const KIND = 'yagura-statistics/v1\n'

/** The numbers in a signed note of statistics; `null` where it holds none as the program writes them. Whoever signed it is not looked at. */
export function readStatement(note: string): StatisticsDocument | null {
  const body = readNote(note)?.text
  if (body?.startsWith(KIND) !== true) return null
  const text = body.slice(KIND.length, -1)
  try {
    const read = JSON.parse(text) as StatisticsDocument
    return canonical(read) === text && typeof read.categories === 'object' && typeof read.all === 'object' ? read : null
  } catch {
    return null
  }
}

/** Whether one of the keys signed the note: `false` where one is misused, or none did; `null` where this browser cannot tell. */
export async function isSignedByAny(note: string, keys: readonly string[]): Promise<boolean | null> {
  const read = readNote(note)
  if (read === null) return false
  const known = (await Promise.all(keys.map(readKey))).filter((key) => key !== null)
  const outcomes = await Promise.all(known.map((key) => isSignedBy(read, key)))
  return outcomes.includes(true) ? true : outcomes.includes(null) ? null : false
}
