import { describe, expect, it } from 'vitest'

import { ApiError, errorOf } from '../api/error.ts'
import type { CaseEntry, CaseSummary, ObjectSummary, Reference, SectorState } from '../api/types.ts'
import { passwordFault } from './account/password-form.tsx'
import { axisTop } from './board/hour.tsx'
import { seats } from './board/japan.tsx'
import { COLUMNS, neighbour, ROWS, TILES } from './board/prefectures.ts'
import { collides, foreseen, inverse } from './cases/change.ts'
import { folded } from './cases/fold.ts'
import { grouped } from './intelligence/references.tsx'
import { safePath } from './sign-in/sign-in.tsx'

describe('the map of tiles', () => {
  it('has each of the 47 prefectures once, none on top of another', () => {
    expect(TILES.map((tile) => tile.code).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 47 }, (_, place) => place + 1))
    const covered = TILES.flatMap(({ column, row, size = 1 }) =>
      Array.from({ length: size * size }, (_, cell) => `${column + (cell % size)} ${row + Math.floor(cell / size)}`))
    expect(new Set(covered).size).toBe(covered.length)
    for (const tile of TILES) expect(tile.column < COLUMNS && tile.row < ROWS).toBe(true)
    expect(new Set(TILES.map((tile) => tile.code3)).size).toBe(47)
  })
  it('is walked with arrow keys, and every tile can be reached', () => {
    expect(neighbour(13, 'ArrowRight')).toBe(12)
    expect(neighbour(27, 'ArrowUp')).toBe(26)
    expect(neighbour(1, 'ArrowUp')).toBe(1)
    expect(neighbour(13, 'Enter')).toBe(13)
    const reached = new Set([13])
    for (const code of reached) for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']) reached.add(neighbour(code, key))
    expect(reached.size).toBe(47)
  })
  it('gives a prefecture the gravest severity of the sectors seated there', () => {
    const sector = (name: string, severity: number | null, prefectures: number[]): SectorState => ({ sector: name, severity, cases: 0, sightings: 0, organisations: 1, prefectures })
    const found = seats([sector('water', null, [13, 20]), sector('power', 2, [13]), sector('ports', 4, [13, 23])])
    expect(found.get(13)).toMatchObject({ severity: 4 })
    expect(found.get(13)?.sectors.map((one) => one.sector)).toEqual(['ports', 'power', 'water'])
    expect(found.get(20)?.severity).toBeNull()
    expect(found.has(1)).toBe(false)
  })
})

it('the axis of the strip ends on a round number', () => {
  const check = (peak: number, top: number) => expect(axisTop(peak)).toBe(top)
  check(0, 5)
  check(5, 5)
  check(6, 10)
  check(24, 30)
  check(41, 50)
  check(101, 150)
})

describe('a timeline', () => {
  const entry = (kind: string, more: Partial<CaseEntry> = {}): CaseEntry => (
    { at: '2026-11-23T02:00:00Z', by: null, by_name: null, organisation: null, kind, text: null, from: null, to: null, object: null, indicator: null, indicator_name: null, ...more })
  const seen = (indicator: string, organisation: string, object: string) => entry('sighting', { indicator, organisation, object })
  const check = (entries: CaseEntry[], expected: [string, number][]) =>
    expect(folded(entries).map((line) => [line.last.object ?? line.last.kind, line.count])).toEqual(expected)
  it('folds what is seen again, members by turns, in the order of the last', () => {
    check([entry('opened'), seen('i', 'a', '1'), seen('i', 'b', '2'), seen('i', 'a', '3'), seen('j', 'a', '4')], [['opened', 1], ['2', 1], ['3', 2], ['4', 1]])
  })
  it('does not fold over what a person did', () => {
    check([seen('i', 'a', '1'), entry('note'), seen('i', 'a', '2')], [['1', 1], ['note', 1], ['2', 1]])
  })
  it('loses nothing', () => {
    const entries = Array.from({ length: 500 }, (_, place) => (place % 37 === 0 ? entry('note') : seen(`i${place % 3}`, `o${place % 2}`, String(place))))
    expect(folded(entries).reduce((sum, line) => sum + line.entries.length, 0)).toBe(500)
  })
})

describe('a change of a case', () => {
  const summary: CaseSummary = {
    id: 'incident--1', number: 1, title: 'before', severity: 3, state: 'open', assignee: null, assignee_name: null, members: [], sectors: [], sightings: 0,
    opened: '', changed: '', last_seen: '', marking: { statements: [] }, revision: 4,
  }
  it('is foreseen, and its inverse leads back', () => {
    for (const wanted of [{ severity: 5 }, { title: 'after' }, { state: 'closed' as const }, { assignee: 'p1' }]) {
      const after = foreseen(summary, wanted, 'Sato')
      expect(after).not.toEqual(summary)
      expect(foreseen(after, inverse(summary, wanted), null)).toEqual(summary)
    }
  })
  it('collides only with a change of the same thing', () => {
    const moved = { ...summary, revision: 9, sightings: 40, last_seen: 'later', members: ['a'] }
    expect(collides(summary, moved, { severity: 5 })).toBe(false)
    expect(collides(summary, { ...moved, title: 'other' }, { severity: 5 })).toBe(false)
    expect(collides(summary, { ...moved, severity: 4 }, { severity: 5 })).toBe(true)
    expect(collides(summary, { ...moved, assignee: 'p2' }, { assignee: 'p1' })).toBe(true)
    expect(collides(summary, { ...moved, state: 'closed' }, { state: 'closed' })).toBe(true)
  })
  it('takes a reason back with the closing', () => {
    expect(inverse(summary, { state: 'closed', reason: 'done' })).toEqual({ state: 'open' })
  })
})

it('references are grouped by what they mean, each object once', () => {
  const object = (id: string): ObjectSummary => ({ sequence: 1, id, object_type: id.split('--')[0] ?? '', name: id, date_added: '', marking: { statements: [] }, originator: 'x', revoked: false, tags: [] })
  const reference = (property: string, id: string, far?: string): Reference => ({ property, object: object(id), ...(far === undefined ? {} : { far: object(far) }) })
  const groups = grouped({
    refers_to: [reference('created_by_ref', 'identity--1')],
    referred_by: [reference('uses', 'relationship--1', 'malware--1'), reference('uses', 'relationship--2', 'malware--1'), reference('object_refs', 'report--1')],
    more: false,
  })
  expect(groups.map((group) => [group.relation, group.others.map((other) => other.id)])).toEqual([
    ['created_by_ref', ['identity--1']], ['uses', ['malware--1']], ['object_refs', ['report--1']],
  ])
})

describe('errors', () => {
  const check = (status: number, body: string, code: string, request?: string) => {
    const error = errorOf(status, body)
    expect(error).toBeInstanceOf(ApiError)
    expect(error.code).toBe(code)
    expect(error.request).toBe(request)
  }
  it('are read from problem documents', () => check(409, '{"type":"about:blank","title":"changed meanwhile","status":409,"code":"conflict","request":"r1"}', 'conflict', 'r1'))
  it('are told by status where a proxy answered', () => {
    check(502, '<html>Bad gateway</html>', 'unavailable')
    check(404, '', 'not-found')
    check(500, 'null', 'internal')
  })
  it('of an unknown code are told by status', () => check(422, '{"code":"brand-new"}', 'unprocessable'))
})

it('a password is judged by its length in characters', () => {
  expect(passwordFault('短い')).toBe('short')
  expect(passwordFault('𠮷'.repeat(11))).toBe('short')
  expect(passwordFault('𠮷'.repeat(12))).toBeNull()
  expect(passwordFault('x'.repeat(257))).toBe('long')
})

it('sign-in leads back into this console only', () => {
  const check = (wanted: string | null, path: string) => expect(safePath(wanted)).toBe(path)
  check('/cases/incident--1?x=1', '/cases/incident--1?x=1')
  check(null, '/')
  check('//evil.example', '/')
  check('/\\evil.example', '/')
  check('https://evil.example', '/')
  check('/sign-in', '/')
})
