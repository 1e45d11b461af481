import type { Audience, AudienceReader } from '../api/agreements.ts'

/** Readers for whom the same decided. */
export interface Because {
  key: string
  readers: AudienceReader[]
  because: AudienceReader['because']
  /** Where not everybody of an organisation reads it: who does. */
  kinds: string[] | null
}

/** Every kind of reader there is; a peer hub reads only what it may, and is no part of most organisations. */
const PEOPLE_AND_MACHINES = ['person', 'program', 'edge']

/** Readers by what decided for them, the largest group first; the reader's own organisation is left out. */
export function byReason(readers: readonly AudienceReader[], own: string): Because[] {
  const groups = new Map<string, Because>()
  for (const reader of readers) {
    if (reader.organisation === own) continue
    const kinds = PEOPLE_AND_MACHINES.every((kind) => reader.kinds.includes(kind)) ? null : reader.kinds
    const { rules, agreement, term } = reader.because
    const key = JSON.stringify([rules.map((rule) => rule.id), agreement ?? null, term ?? null, kinds])
    const known = groups.get(key)
    if (known) known.readers.push(reader)
    else groups.set(key, { key, readers: [reader], because: reader.because, kinds })
  }
  return [...groups.values()].sort((left, right) => right.readers.length - left.readers.length)
}

/** Objects that the same can see for the same reasons. */
export interface Alike {
  key: string
  audience: Audience
  /** Types with their numbers. */
  types: [string, number][]
  count: number
}

export function alike(audiences: readonly Audience[]): Alike[] {
  const groups = new Map<string, Alike>()
  for (const audience of audiences) {
    const { id: _, object_type: type, count, further: __, ...rest } = audience
    const key = JSON.stringify(rest)
    const known = groups.get(key) ?? { key, audience, types: [], count: 0 }
    known.count += count
    const place = known.types.find(([name]) => name === type)
    if (place) place[1] += count
    else known.types.push([type, count])
    groups.set(key, known)
  }
  return [...groups.values()]
}

/** Whether anybody but the reader's own organisation could see it. */
export const reachesOthers = (audience: Audience, own: string) => audience.readers.some((reader) => reader.organisation !== own)
