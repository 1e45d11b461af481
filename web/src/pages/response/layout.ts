// Where each step of a playbook stands in its picture. The hub says what leads where; this says what stands below what.

/** A way from one step to the next, as the playbook names it. */
export interface Way {
  from: string
  to: string
  when: string
  /** Which branch. */
  label?: string | null
}

export interface Placed {
  id: string
  /** The middle of its column; columns are one apart. */
  x: number
  row: number
}

export interface Layout {
  steps: Placed[]
  /** Every step, as it is read aloud: branch after branch, then what follows them. */
  order: string[]
  /** The ways as they are drawn: what comes after a fork is joined from the ends of its branches. */
  ways: (Way & { joins?: true; returns?: true })[]
  columns: number
  rows: number
}

/** Ways into a part of its own, which ends and comes back to the step that it left. */
const isBranch = (when: string) => !AFTER.has(when)
const AFTER: ReadonlySet<string> = new Set(['on_completion', 'on_success', 'on_failure'])

/** Lays steps out from top to bottom, forks side by side, everything below all that comes before it. */
export function layout(ids: readonly string[], given: readonly Way[], starts: readonly string[]): Layout {
  const known = new Set(ids)
  const out = new Map<string, Way[]>(ids.map((id) => [id, []]))
  for (const way of given) if (known.has(way.from) && known.has(way.to)) out.get(way.from)?.push(way)
  const roots = [...new Set([...starts.filter((id) => known.has(id)), ...ids])]
  const ways = joined(out)
  // What stands beside the main line begins a row lower, so that the beginning stands alone.
  const rows = depths(roots, ways, new Set(starts.slice(1)))
  const places = new Map<string, number>()
  let columns = 0
  const placed = new Set<string>()
  for (const root of roots) {
    if (placed.has(root)) continue
    const block = blockOf(root, out, placed)
    for (const [id, x] of block.places) places.set(id, columns + x)
    columns += block.width
  }
  const steps = apart(roots.flatMap((id) => {
    const x = places.get(id)
    return x === undefined ? [] : [{ id, x, row: rows.get(id) ?? 0 }]
  }))
  const rowOf = new Map(steps.map(({ id, row }) => [id, row]))
  return {
    steps: steps.toSorted((one, other) => one.row - other.row || one.x - other.x),
    order: [...places.keys()],
    ways: ways.map((way) => ((rowOf.get(way.to) ?? 0) <= (rowOf.get(way.from) ?? 0) ? { ...way, returns: true } : way)),
    columns: Math.max(columns, ...steps.map(({ x }) => x + 0.5)),
    rows: Math.max(0, ...steps.map(({ row }) => row + 1)),
  }
}

/** The ways, with each one past a fork led from where its branches end. */
function joined(out: Map<string, Way[]>): Layout['ways'] {
  const ways: Layout['ways'] = []
  for (const list of out.values()) {
    const branches = list.filter(({ when }) => isBranch(when))
    for (const way of list) {
      if (isBranch(way.when) || branches.length === 0) {
        ways.push(way)
        continue
      }
      const ends = tails(branches.map(({ to }) => to), out, way.from)
      if (ends.length === 0) ways.push(way)
      for (const from of ends) ways.push({ ...way, from, joins: true })
    }
  }
  return ways
}

/** Where branches end: the last steps that can be come to from their first ones, not going back over the fork. */
function tails(firsts: string[], out: Map<string, Way[]>, fork: string): string[] {
  const seen = new Set([fork])
  const found: string[] = []
  const waiting = [...firsts]
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    const list = out.get(id) ?? []
    if (list.length === 0) found.push(id)
    // What an inner fork leads to after it is the end that counts, where there is one.
    const after = list.filter(({ when }) => !isBranch(when))
    waiting.push(...(after.length > 0 ? after : list).map(({ to }) => to))
  }
  return found.toReversed()
}

/** The longest way to each step; ways that lead back to where one came from do not count. */
function depths(roots: readonly string[], ways: Layout['ways'], lower: ReadonlySet<string>): Map<string, number> {
  const out = new Map<string, string[]>()
  for (const { from, to } of ways) out.set(from, [...(out.get(from) ?? []), to])
  const order: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const back = new Set<string>()
  for (const root of roots) {
    const waiting: { id: string; left: string[] }[] = []
    const enter = (id: string) => {
      state.set(id, 'open')
      waiting.push({ id, left: [...(out.get(id) ?? [])] })
    }
    if (!state.has(root)) enter(root)
    for (let top = waiting.at(-1); top; top = waiting.at(-1)) {
      const next = top.left.shift()
      if (next === undefined) {
        state.set(top.id, 'done')
        order.push(top.id)
        waiting.pop()
      } else if (state.get(next) === 'open') back.add(`${top.id} ${next}`)
      else if (!state.has(next)) enter(next)
    }
  }
  const depth = new Map<string, number>()
  for (const id of order.toReversed()) {
    const own = Math.max(depth.get(id) ?? 0, lower.has(id) ? 1 : 0)
    depth.set(id, own)
    for (const to of out.get(id) ?? []) if (!back.has(`${id} ${to}`)) depth.set(to, Math.max(depth.get(to) ?? 0, own + 1))
  }
  return depth
}

interface Block {
  width: number
  /** The middle of each step, from the block's left edge. */
  places: [string, number][]
}

/** A step and what first comes from it: branches side by side, what comes after them below. Deep nesting falls into one column. */
function blockOf(id: string, out: Map<string, Way[]>, placed: Set<string>, depth = 0): Block {
  placed.add(id)
  const list = out.get(id) ?? []
  const isFork = list.some(({ when }) => isBranch(when))
  const besides = isFork ? list.filter(({ when }) => isBranch(when)) : list
  const below = isFork ? list.filter(({ when }) => !isBranch(when)) : []
  if (depth >= DEPTH_MAX) return { width: 1, places: [[id, 0.5]] }
  const beside = row(besides, out, placed, depth)
  const after = row(below, out, placed, depth)
  // Everything stands on its left edge: the main line goes straight down, and what begins it is in sight without scrolling.
  return { width: Math.max(1, beside.width, after.width), places: [[id, 0.5], ...beside.places, ...after.places] }
}

const DEPTH_MAX = 400

function row(ways: Way[], out: Map<string, Way[]>, placed: Set<string>, depth: number): Block {
  const block: Block = { width: 0, places: [] }
  for (const { to } of ways) {
    if (placed.has(to)) continue
    const inner = blockOf(to, out, placed, depth + 1)
    for (const [one, x] of inner.places) block.places.push([one, x + block.width])
    block.width += inner.width
  }
  return block
}

/** Where two would stand on one another, the later one gives way to the right. */
function apart(steps: Placed[]): Placed[] {
  const moved: Placed[] = []
  const last = new Map<number, number>()
  for (const step of steps.toSorted((one, other) => one.row - other.row || one.x - other.x)) {
    const least = (last.get(step.row) ?? -Infinity) + 1
    const x = Math.max(step.x, least)
    last.set(step.row, x)
    moved.push({ ...step, x })
  }
  return moved
}

/** Where an arrow key leads: down along the first way, up along the way one came, sideways in the row. */
export function neighbour(key: string, from: string, drawn: Layout): string | undefined {
  const own = drawn.steps.find(({ id }) => id === from)
  if (!own) return undefined
  const row = drawn.steps.filter((step) => step.row === own.row)
  const place = row.indexOf(own)
  switch (key) {
    case 'ArrowDown': return drawn.ways.find((way) => way.from === from)?.to
    case 'ArrowUp': return drawn.ways.find((way) => way.to === from && !way.returns)?.from
    case 'ArrowLeft': return row[place - 1]?.id
    case 'ArrowRight': return row[place + 1]?.id
    default: return undefined
  }
}
