/** What a text holds that somebody is about to publish. The hub judges; this only shows before it is asked. */
export interface Contents {
  /** `json`: it cannot be read; `empty`: it holds no object. */
  fault: 'json' | 'empty' | null
  /** The reader's own words about a fault. */
  detail: string
  count: number
  /** Types with their numbers, the most frequent first. */
  types: [string, number][]
  /** TLP levels with their numbers; `''` stands for other markings. */
  markings: [string, number][]
  /** Objects that bear no marking at all: nobody but their own organisation is given them. */
  unmarked: number
}

/** The identifiers of TLP 2.0 and 1.0 levels (STIX 2.1 §7.2.1.4, FIRST's definitions). */
const TLP = new Map([
  ['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487', 'TLP:CLEAR'],
  ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb', 'TLP:GREEN'],
  ['marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421', 'TLP:AMBER'],
  ['marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003', 'TLP:AMBER+STRICT'],
  ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1', 'TLP:RED'],
  ['marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9', 'TLP:WHITE'],
  ['marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da', 'TLP:GREEN'],
  ['marking-definition--f88d31f6-486f-44da-b317-01333bde0b82', 'TLP:AMBER'],
  ['marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed', 'TLP:RED'],
])

export function contentsOf(text: string): Contents {
  const nothing: Contents = { fault: 'empty', detail: '', count: 0, types: [], markings: [], unmarked: 0 }
  let objects: unknown[]
  try {
    objects = objectsIn(text)
  } catch (thrown) {
    return { ...nothing, fault: 'json', detail: thrown instanceof Error ? thrown.message : '' }
  }
  const read = objects.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null && !Array.isArray(one))
  if (read.length === 0) return nothing
  const types = new Map<string, number>()
  const markings = new Map<string, number>()
  let unmarked = 0
  for (const one of read) {
    add(types, typeof one['type'] === 'string' ? one['type'] : '?')
    const refs = Array.isArray(one['object_marking_refs']) ? one['object_marking_refs'] : []
    const isMarked = refs.length > 0 || (Array.isArray(one['granular_markings']) && one['granular_markings'].length > 0)
    if (!isMarked) unmarked += 1
    for (const ref of refs) add(markings, TLP.get(String(ref)) ?? '')
  }
  return { fault: null, detail: '', count: read.length, types: byCount(types), markings: byCount(markings), unmarked }
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
