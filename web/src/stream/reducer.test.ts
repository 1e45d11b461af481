import { describe, expect, it } from 'vitest'

import type { Board, CaseSummary, EdgeStatus, SectorState, StreamEvent, StreamSighting } from '../api/types.ts'
import { EMPTY, reduce, shifted, type LiveBoard } from './reducer.ts'

const AT = Date.parse('2026-11-23T02:30:10Z')
const at = (seconds: number) => new Date(AT + seconds * 1000).toISOString()

const sector = (name: string): SectorState => ({ sector: name, severity: null, cases: 0, sightings: 0, organisations: 1, prefectures: [13] })

function board(more: Partial<Board> = {}): Board {
  return {
    sectors: [sector('power'), sector('ports'), sector('water')],
    last_hour: shifted([], AT), cases: [], sightings: [], edges: [['well', 2], ['silent', 1]], indicators: 5, sequence: 100, as_of: at(0), ...more,
  }
}

function sighting(sequence: number, more: Partial<StreamSighting> = {}): StreamSighting {
  return {
    sequence, id: `sighting--${sequence}`, indicator: 'indicator--1', indicator_name: 'one', organisation: 'kinki-power', sectors: ['power'],
    first_seen: at(0), last_seen: at(0), count: 3, severity: 4, values: ['203.0.113.5'], date_added: at(5), ...more,
  }
}

function aCase(number: number, more: Partial<CaseSummary> = {}): CaseSummary {
  return {
    id: `incident--${number}`, number, title: 'x', severity: 3, state: 'open', assignee: null, assignee_name: null, members: ['kinki-power'], sectors: ['power'],
    sightings: 1, opened: at(number), changed: at(number), last_seen: at(number), marking: { statements: [] }, revision: 1, ...more,
  }
}

const arrive = (state: LiveBoard, event: StreamEvent, sequence: number | null) => reduce(state, { kind: 'event', event, sequence, at: AT })
const seen = (sequence: number, more?: Partial<StreamSighting>): StreamEvent => ({ event: 'sighting', sighting: sighting(sequence, more) })
const changed = (one: CaseSummary): StreamEvent => ({ event: 'case', case: one })
const begin = (more?: Partial<Board>) => reduce(EMPTY, { kind: 'board', board: board(more), at: AT })
const sectorOf = (state: LiveBoard, name: string) => state.board?.sectors.find((one) => one.sector === name)

describe('a sighting', () => {
  it('comes in at the top, counts for its sectors and its minute, and glows', () => {
    const state = arrive(begin({ sightings: [sighting(99)] }), seen(101), 101)
    expect(state.board?.sightings.map((one) => one.sequence)).toEqual([101, 99])
    expect(sectorOf(state, 'power')?.sightings).toBe(1)
    expect(sectorOf(state, 'ports')?.sightings).toBe(0)
    expect(state.board?.last_hour.at(-1)?.count).toBe(1)
    expect(state.fresh.has('sighting--101')).toBe(true)
    expect(state.sequence).toBe(101)
  })
  it('counts once when it comes twice, as after a reconnection', () => {
    const once = arrive(begin(), seen(101), 101)
    const twice = arrive(once, seen(101), 101)
    expect(twice.board?.sightings).toHaveLength(1)
    expect(sectorOf(twice, 'power')?.sightings).toBe(1)
    expect(twice.board?.last_hour.at(-1)?.count).toBe(1)
  })
  it('is left out when the board already contains it', () => {
    const state = arrive(begin({ sequence: 120 }), seen(101), 101)
    expect(state.board?.sightings).toHaveLength(0)
    expect(state.sequence).toBe(120)
  })
  it('keeps the list short', () => {
    let state = begin()
    for (let n = 0; n < 80; n += 1) state = arrive(state, seen(101 + n), 101 + n)
    expect(state.board?.sightings).toHaveLength(50)
    expect(state.board?.sightings[0]?.sequence).toBe(180)
    expect(sectorOf(state, 'power')?.sightings).toBe(80)
  })
  it('of the next minute moves the strip on', () => {
    const state = arrive(arrive(begin(), seen(101), 101), seen(102, { date_added: at(60) }), 102)
    expect(state.board?.last_hour).toHaveLength(60)
    expect(state.board?.last_hour.slice(-2).map((minute) => minute.count)).toEqual([1, 1])
  })
})

describe('a case', () => {
  it('opens, gravest first, and gives its sectors their severity', () => {
    let state = arrive(begin(), changed(aCase(1)), 101)
    state = arrive(state, changed(aCase(2, { severity: 5, sectors: ['power', 'ports'] })), 102)
    expect(state.board?.cases.map((one) => one.number)).toEqual([2, 1])
    expect(sectorOf(state, 'power')).toMatchObject({ severity: 5, cases: 2 })
    expect(sectorOf(state, 'ports')).toMatchObject({ severity: 5, cases: 1 })
    expect(sectorOf(state, 'water')).toMatchObject({ severity: null, cases: 0 })
  })
  it('shares a sequence with the sighting that opened it', () => {
    const state = arrive(arrive(begin(), seen(101), 101), changed(aCase(1)), 101)
    expect(state.board?.cases).toHaveLength(1)
  })
  it('glows when it opens and stays calm when it changes', () => {
    const opened = arrive(begin(), changed(aCase(1)), 101)
    expect(opened.fresh.has('incident--1')).toBe(true)
    const known = arrive(begin({ cases: [aCase(1)] }), changed(aCase(1, { revision: 2 })), 101)
    expect(known.fresh.size).toBe(0)
  })
  it('goes when it is closed', () => {
    const open = arrive(begin(), changed(aCase(1)), 101)
    const closed = arrive(open, changed(aCase(1, { state: 'closed', revision: 2 })), 102)
    expect(closed.board?.cases).toHaveLength(0)
    expect(sectorOf(closed, 'power')).toMatchObject({ severity: null, cases: 0 })
  })
  it('is not turned back by an older revision', () => {
    const newer = arrive(begin(), changed(aCase(1, { severity: 5, revision: 7 })), 102)
    const older = arrive(newer, changed(aCase(1, { severity: 2, revision: 6 })), 103)
    expect(older.board?.cases[0]?.severity).toBe(5)
  })
  it('goes when it is withdrawn', () => {
    const open = arrive(begin(), changed(aCase(1)), 101)
    expect(arrive(open, { event: 'removed', id: 'incident--1' }, 102).board?.cases).toHaveLength(0)
  })
})

describe('a board read anew', () => {
  it('keeps what came after it was read: no gap', () => {
    let state = arrive(begin(), seen(101), 101)
    state = arrive(state, seen(102), 102)
    // The answer was made when 101 was in the log and 102 was not.
    const one = sighting(101)
    state = reduce(state, { kind: 'board', board: board({ sequence: 101, sightings: [one], sectors: [{ ...sector('power'), sightings: 1 }] }), at: AT })
    expect(state.board?.sightings.map((each) => each.sequence)).toEqual([102, 101])
    expect(sectorOf(state, 'power')?.sightings).toBe(2)
    expect(state.sequence).toBe(102)
  })
  it('counts nothing twice that it contains already', () => {
    let state = arrive(begin(), seen(101), 101)
    state = reduce(state, { kind: 'board', board: board({ sequence: 100, sightings: [sighting(101)], sectors: [{ ...sector('power'), sightings: 1 }] }), at: AT })
    expect(sectorOf(state, 'power')?.sightings).toBe(1)
  })
  it('holds events that came before the first board', () => {
    const early = arrive(EMPTY, seen(101), 101)
    expect(early.board).toBeNull()
    expect(reduce(early, { kind: 'board', board: board(), at: AT }).board?.sightings).toHaveLength(1)
  })
})

describe('edges', () => {
  const edge = (id: string, health: EdgeStatus['health']): EdgeStatus => (
    { id, name: id, organisation: 'kinki-power', sectors: [], health, heard: at(0), hello: null, current_generation: 1, ledger: [] })
  it('move from one health to another', () => {
    const known = reduce(begin(), { kind: 'edges', edges: [edge('a', 'well'), edge('b', 'well'), edge('c', 'silent')] })
    const state = arrive(known, { event: 'edge', edge: edge('a', 'troubled') }, null)
    expect(new Map(state.board?.edges)).toEqual(new Map([['well', 1], ['silent', 1], ['troubled', 1]]))
  })
  it('are not counted twice when one is heard for the first time', () => {
    const state = arrive(begin(), { event: 'edge', edge: edge('a', 'well') }, null)
    expect(new Map(state.board?.edges)).toEqual(new Map([['well', 2], ['silent', 1]]))
  })
})

it('an hour passes without a sighting', () => {
  const state = reduce(arrive(begin(), seen(101), 101), { kind: 'tick', at: AT + 59 * 60_000 })
  expect(state.board?.last_hour[0]?.count).toBe(1)
  expect(reduce(state, { kind: 'tick', at: AT + 60 * 60_000 }).board?.last_hour.every((minute) => minute.count === 0)).toBe(true)
})
