import { describe, expect, it } from 'vitest'

import { continued } from './continued.ts'
import type { components } from './schema.ts'

type Room = components['schemas']['Room']
type RoomLine = components['schemas']['RoomLine']

const line = (at: string, entry: string): RoomLine => ({ kind: 'entry', at, case: 'incident--1', entry })
const room = (timeline: RoomLine[], continues: boolean, named: Partial<Room> = {}) => ({ timeline, continues, organisations: {}, people: {}, lines: timeline.length, ...named }) as Room
const entries = (of: Room) => of.timeline.map((one) => one.entry)

describe('a room that is read on', () => {
  const held = room([line('2026-11-30T03:00:02Z', 'b'), line('2026-11-30T03:00:00Z', 'a')], false, { people: { one: 'Sato' }, lines: 2 })

  it('gets new lines where they count', () => {
    const news = room([line('2026-11-30T03:00:03Z', 'd'), line('2026-11-30T03:00:01.5Z', 'c')], true, { people: { two: 'Abe' }, lines: 4 })
    const now = continued(held, news, 200)
    expect(entries(now)).toEqual(['d', 'b', 'c', 'a'])
    expect(now.people).toEqual({ one: 'Sato', two: 'Abe' })
    expect(now.lines).toBe(4)
  })

  it('takes all of an answer that does not continue it', () => {
    expect(entries(continued(held, room([line('2026-11-30T03:00:01Z', 'z')], false), 200))).toEqual(['z'])
    expect(entries(continued(undefined, room([line('2026-11-30T03:00:01Z', 'z')], true), 200))).toEqual(['z'])
  })

  it('has a line once and no more lines than are asked for', () => {
    const again = room([line('2026-11-30T03:00:03Z', 'c'), line('2026-11-30T03:00:02Z', 'b')], true)
    expect(entries(continued(held, again, 200))).toEqual(['c', 'b', 'a'])
    expect(entries(continued(held, again, 2))).toEqual(['c', 'b'])
  })

  it('comes to the same by whatever parts it is read', () => {
    const times = ['02:59:59Z', '02:59:59.000001Z', '02:59:59.5Z', '03:00:00Z', '03:00:00.25Z']
    const all = Array.from({ length: 60 }, (_, number) => line(`2026-11-30T${times[(number * 7) % 5]}`, String((number * 37) % 60).padStart(2, '0')))
    const key = (one: RoomLine) => `${one.at.slice(0, -1)} ${one.entry}`
    const sorted = (lines: RoomLine[]) => lines.toSorted((one, other) => (key(one) < key(other) ? 1 : -1))
    let now = room(sorted(all.slice(0, 10)), false)
    for (let from = 10; from < 60; from += 10) now = continued(now, room(sorted(all.slice(from, from + 10)), true), 200)
    expect(entries(now)).toEqual(entries(room(sorted(all), false)))
  })
})
