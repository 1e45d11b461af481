/** What a text holds that somebody is about to publish. The hub judges; this only shows before it is asked. */
export interface Contents {
  /** `json`: it cannot be read; `empty`: it holds no object. */
  fault: 'json' | 'empty' | null
  /** The reader's own words about a fault. */
  detail: string
  count: number
  /** Types with their numbers, the most frequent first. */
  types: [string, number][]
  /** Objects that bear no marking at all: nobody but their own organisation is given them. */
  unmarked: number
}

export function contentsOf(text: string): Contents {
  const nothing: Contents = { fault: 'empty', detail: '', count: 0, types: [], unmarked: 0 }
  let objects: unknown[]
  try {
    objects = objectsIn(text)
  } catch (thrown) {
    return { ...nothing, fault: 'json', detail: thrown instanceof Error ? thrown.message : '' }
  }
  const read = objects.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null && !Array.isArray(one))
  if (read.length === 0) return nothing
  const types = new Map<string, number>()
  let unmarked = 0
  for (const one of read) {
    add(types, typeof one['type'] === 'string' ? one['type'] : '?')
    const refs = Array.isArray(one['object_marking_refs']) ? one['object_marking_refs'] : []
    const isMarked = refs.length > 0 || (Array.isArray(one['granular_markings']) && one['granular_markings'].length > 0)
    if (!isMarked) unmarked += 1
  }
  return { fault: null, detail: '', count: read.length, types: byCount(types), unmarked }
}

/** A bundle or envelope, a list, one object, or one object a line. */
function objectsIn(text: string): unknown[] {
  let whole: unknown
  try {
    whole = JSON.parse(text)
  } catch (thrown) {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    if (lines.length < 2 || !lines.every((line) => line.trimStart().startsWith('{'))) throw thrown
    return lines.map((line) => JSON.parse(line) as unknown)
  }
  if (Array.isArray(whole)) return whole
  if (typeof whole === 'object' && whole !== null) {
    if ('objects' in whole && Array.isArray(whole.objects)) return whole.objects
    if ('type' in whole && whole.type !== 'bundle') return [whole]
  }
  return []
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function byCount(counts: Map<string, number>): [string, number][] {
  return [...counts].sort((left, right) => right[1] - left[1])
}
