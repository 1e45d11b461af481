import type { Board, CaseSummary, EdgeHealth, EdgeStatus, MinuteCount, SectorState, StreamEvent, StreamSighting } from '../api/types.ts'

const SIGHTINGS_MAX = 50
/** Events kept to be laid over a board that was read a moment earlier than they came. */
const RECENT_MAX = 1000
const MINUTES = 60
const MINUTE_MS = 60_000

export interface LiveBoard {
  /** The board as it now is; absent until the first one was read. */
  board: Board | null
  /** The last sequence that is contained; the stream is followed from here. */
  sequence: number
  /** Identifiers of rows that came live and have not been shown before: they glow once. */
  fresh: ReadonlySet<string>
  /** How each edge is, as far as events told. */
  edges: ReadonlyMap<string, EdgeHealth>
  /** The last numbered events, oldest first. */
  recent: readonly Numbered[]
  /** When something was last heard, in milliseconds since 1970. */
  heard: number
}

interface Numbered {
  sequence: number
  event: StreamEvent
}

export type Action =
  | { kind: 'board'; board: Board; at: number }
  | { kind: 'event'; event: StreamEvent; sequence: number | null; at: number }
  | { kind: 'edges'; edges: EdgeStatus[] }
  | { kind: 'tick'; at: number }

export const EMPTY: LiveBoard = { board: null, sequence: 0, fresh: new Set(), edges: new Map(), recent: [], heard: 0 }

/** The board's whole life: read once, then carried on by events; what comes twice counts once. */
export function reduce(state: LiveBoard, action: Action): LiveBoard {
  switch (action.kind) {
    case 'board': return withBoard(state, action.board, action.at)
    case 'event': return withEvent(state, action)
    case 'edges': return { ...state, edges: new Map(action.edges.map((edge) => [edge.id, edge.health])) }
    case 'tick': return withTick(state, action.at)
  }
}

/** A board read anew replaces the old one; events that are newer than it are laid over it again. */
function withBoard(state: LiveBoard, board: Board, at: number): LiveBoard {
  let next: LiveBoard = { ...state, board, heard: at }
  for (const { event, sequence } of state.recent) {
    if (sequence > board.sequence) next = { ...next, board: next.board && apply(next.board, event) }
  }
  return { ...next, sequence: Math.max(state.sequence, board.sequence) }
}

function withEvent(state: LiveBoard, action: { event: StreamEvent; sequence: number | null; at: number }): LiveBoard {
  const { event, sequence, at } = action
  const heard = { ...state, heard: at }
  if (event.event === 'edge') return withEdge(heard, event.edge)
  if (event.event === 'alert') return heard
  if (sequence !== null && sequence <= state.sequence && isKnown(state, event, sequence)) return heard
  const recent = sequence === null ? state.recent : [...state.recent, { sequence, event }].slice(-RECENT_MAX)
  return {
    ...heard,
    recent,
    sequence: Math.max(state.sequence, sequence ?? 0),
    fresh: freshened(state, event),
    board: state.board && apply(state.board, event),
  }
}

/** Several events may share a sequence (a sighting and the case it opened), so an old number alone proves nothing. */
function isKnown(state: LiveBoard, event: StreamEvent, sequence: number): boolean {
  if (sequence < state.sequence) return true
  const board = state.board
  switch (event.event) {
    case 'sighting': return board?.sightings.some((known) => known.id === event.sighting.id) ?? false
    case 'case': return board?.cases.some((known) => known.id === event.case.id && known.revision >= event.case.revision) ?? false
    default: return state.recent.some((known) => known.sequence === sequence && known.event.event === event.event)
  }
}

/** Only what was not there before glows; a case that merely changed stays calm. */
function freshened({ fresh, board }: LiveBoard, event: StreamEvent): ReadonlySet<string> {
  if (event.event === 'sighting') return new Set([...fresh, event.sighting.id].slice(-200))
  if (event.event === 'case' && board && !board.cases.some((known) => known.id === event.case.id)) return new Set([...fresh, event.case.id].slice(-200))
  return fresh
}

function apply(board: Board, event: StreamEvent): Board {
  switch (event.event) {
    case 'sighting': return withSighting(board, event.sighting)
    case 'case': return withCase(board, event.case)
    case 'removed': return without(board, event.id)
    case 'alert': return board
    case 'object': case 'edge': case 'notice': return board
  }
}

function withSighting(board: Board, sighting: StreamSighting): Board {
  if (board.sightings.some((known) => known.id === sighting.id)) return board
  return {
    ...board,
    as_of: later(board.as_of, sighting.date_added),
    sightings: [sighting, ...board.sightings].slice(0, SIGHTINGS_MAX),
    sectors: board.sectors.map((state) =>
      sighting.sectors.includes(state.sector) ? { ...state, sightings: state.sightings + 1 } : state),
    last_hour: counted(board.last_hour, sighting.date_added),
  }
}

function withCase(board: Board, changed: CaseSummary): Board {
  const known = board.cases.find((one) => one.id === changed.id)
  if (known && known.revision > changed.revision) return board
  const others = board.cases.filter((one) => one.id !== changed.id)
  const cases = changed.state === 'open' ? [...others, changed].sort(gravestFirst) : others
  return { ...board, as_of: later(board.as_of, changed.changed), cases, sectors: judged(board.sectors, cases) }
}

function without(board: Board, id: string): Board {
  const cases = board.cases.filter((one) => one.id !== id)
  return {
    ...board,
    cases,
    sectors: cases.length === board.cases.length ? board.sectors : judged(board.sectors, cases),
    sightings: board.sightings.filter((one) => one.id !== id),
  }
}

/** A sector's state follows from the open cases alone. */
function judged(sectors: SectorState[], cases: CaseSummary[]): SectorState[] {
  return sectors.map((state) => {
    const concerned = cases.filter((one) => one.sectors.includes(state.sector))
    const severity = concerned.length === 0 ? null : Math.max(...concerned.map((one) => one.severity))
    return { ...state, cases: concerned.length, severity }
  })
}

export function gravestFirst(a: CaseSummary, b: CaseSummary): number {
  return b.severity - a.severity || Date.parse(a.opened) - Date.parse(b.opened) || a.number - b.number
}

function withEdge(state: LiveBoard, edge: EdgeStatus): LiveBoard {
  const before = state.edges.get(edge.id)
  const edges = new Map(state.edges).set(edge.id, edge.health)
  if (state.board === null || before === edge.health) return { ...state, edges }
  const counts = new Map(state.board.edges)
  // Of an edge never heard of here, only the sum of those told one by one is certain.
  if (before !== undefined) {
    counts.set(before, Math.max(0, (counts.get(before) ?? 0) - 1))
    counts.set(edge.health, (counts.get(edge.health) ?? 0) + 1)
  }
  return { ...state, edges, board: { ...state.board, edges: [...counts] } }
}

/** Sixty minutes, the last of which contains `at`; counts move with their minutes. */
export function shifted(minutes: MinuteCount[], at: number): MinuteCount[] {
  const end = Math.floor(at / MINUTE_MS) * MINUTE_MS
  const counts = new Map(minutes.map((minute) => [Math.floor(Date.parse(minute.at) / MINUTE_MS) * MINUTE_MS, minute.count]))
  return Array.from({ length: MINUTES }, (_, place) => {
    const start = end - (MINUTES - 1 - place) * MINUTE_MS
    return { at: new Date(start).toISOString(), count: counts.get(start) ?? 0 }
  })
}

function counted(minutes: MinuteCount[], at: string): MinuteCount[] {
  const moment = Date.parse(at)
  const newest = minutes.at(-1)
  const onTime = newest !== undefined && moment >= Date.parse(newest.at) + MINUTE_MS ? shifted(minutes, moment) : minutes
  const minute = Math.floor(moment / MINUTE_MS) * MINUTE_MS
  return onTime.map((one) =>
    Math.floor(Date.parse(one.at) / MINUTE_MS) * MINUTE_MS === minute ? { ...one, count: one.count + 1 } : one)
}

function withTick(state: LiveBoard, at: number): LiveBoard {
  const newest = state.board?.last_hour.at(-1)
  if (state.board === null || (newest !== undefined && at < Date.parse(newest.at) + MINUTE_MS)) return state
  return { ...state, board: { ...state.board, last_hour: shifted(state.board.last_hour, at) } }
}

function later(a: string, b: string): string {
  return Date.parse(b) > Date.parse(a) ? b : a
}
