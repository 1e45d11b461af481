import type { CaseEntry } from '../../api/types.ts'

/** One line of a shown timeline: one entry, or a run of the same sighting. */
export interface Line {
  key: string
  /** The run, oldest first. */
  entries: CaseEntry[]
  /** The newest of them. */
  last: CaseEntry
  count: number
  /** Where the newest stands among all entries. */
  lastPlace: number
}

/** Folds sightings of one indicator in one organisation that follow each other; anything a person did ends a run. */
export function folded(entries: CaseEntry[]): Line[] {
  const lines: Line[] = []
  // One open run per indicator and organisation, so that two members seen by turns fold as well.
  let runs = new Map<string, Line>()
  for (const [place, entry] of entries.entries()) {
    if (entry.kind !== 'sighting') {
      runs = new Map()
      lines.push({ key: `${place}`, entries: [entry], last: entry, count: 1, lastPlace: place })
      continue
    }
    const name = `${entry.indicator ?? ''} ${entry.organisation ?? ''}`
    const run = runs.get(name)
    if (run) {
      run.entries.push(entry)
      run.last = entry
      run.lastPlace = place
      run.count += 1
    } else {
      const line: Line = { key: `${place}`, entries: [entry], last: entry, count: 1, lastPlace: place }
      runs.set(name, line)
      lines.push(line)
    }
  }
  // A run stands where it ended.
  return lines.sort((a, b) => a.lastPlace - b.lastPlace)
}
