import type { PolicyFile } from '../../api/policies.ts'

export interface Line {
  kind: 'kept' | 'added' | 'removed'
  text: string
}

export interface ChangedFile {
  name: string
  lines: Line[]
  added: number
  removed: number
}

/** Lines of context that are shown around a change. */
const AROUND = 3
/** Beyond so many pairs of lines between the first and the last difference, everything there counts as replaced. */
const PAIRS_MAX = 4_000_000

/** The files that differ, by name, each with its lines. */
export function changedFiles(before: readonly PolicyFile[], after: readonly PolicyFile[]): ChangedFile[] {
  const text = (files: readonly PolicyFile[], name: string) => files.find((file) => file.name === name)?.text
  const names = [...new Set([...before, ...after].map((file) => file.name))].toSorted()
  return names.flatMap((name) => {
    const [old, now] = [text(before, name), text(after, name)]
    if (old === now) return []
    const lines = compare(split(old), split(now))
    const count = (kind: Line['kind']) => lines.filter((line) => line.kind === kind).length
    return [{ name, lines, added: count('added'), removed: count('removed') }]
  })
}

const split = (text: string | undefined) => (text === undefined ? [] : text.replace(/\n$/u, '').split('\n'))

/** Which lines stay, come and go: what is alike at both ends, and the longest common subsequence of the rest. */
export function compare(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1
  let end = 0
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1
  const kept = (texts: readonly string[]): Line[] => texts.map((text) => ({ kind: 'kept', text }))
  const middle = between(before.slice(start, before.length - end), after.slice(start, after.length - end))
  return [...kept(before.slice(0, start)), ...middle, ...kept(before.slice(before.length - end))]
}

function between(before: readonly string[], after: readonly string[]): Line[] {
  const removed = (texts: readonly string[]): Line[] => texts.map((text) => ({ kind: 'removed', text }))
  const added = (texts: readonly string[]): Line[] => texts.map((text) => ({ kind: 'added', text }))
  const width = after.length + 1
  if (before.length * after.length > PAIRS_MAX) return [...removed(before), ...added(after)]
  // lengths[i * width + j]: of the longest common subsequence of what follows line i and line j.
  const lengths = new Uint32Array((before.length + 1) * width)
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      lines.push({ kind: 'kept', text: before[i] ?? '' })
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      lines.push({ kind: 'removed', text: before[i] ?? '' })
      i += 1
    } else {
      lines.push({ kind: 'added', text: after[j] ?? '' })
      j += 1
    }
  }
  return [...lines, ...removed(before.slice(i)), ...added(after.slice(j))]
}

/** The lines around what changed; `null` stands for lines that are left out. */
export function nearChanges(lines: readonly Line[]): (Line | null)[] {
  const isNear = lines.map((_, at) => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => line.kind !== 'kept'))
  return lines.flatMap((line, at) => {
    if (isNear[at]) return [line]
    return at === 0 || isNear[at - 1] ? [null] : []
  })
}
