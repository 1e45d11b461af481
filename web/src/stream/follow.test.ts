import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import type { StreamEvent } from '../api/types.ts'
import { follow, type Link } from './follow.ts'

/** As much of a browser's EventSource as is used here. */
class Source extends EventTarget {
  static readonly CLOSED = 2
  readyState = 0
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  readonly address: string
  constructor(address: string) {
    super()
    this.address = address
  }
  close() {
    this.readyState = 2
  }
  say(name: string, data: string, id: string) {
    this.dispatchEvent(new MessageEvent(name, { data, lastEventId: id }))
  }
}

let sources: Source[] = []
let told: [StreamEvent['event'], number | null][] = []
let links: Link[] = []
let sequence = 7
let stop = () => {}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', Source)
  sources = []
  told = []
  links = []
  sequence = 7
  stop = follow(
    { onEvent: (event, at) => told.push([event.event, at]), onLink: (link) => links.push(link), after: () => sequence },
    (address) => {
      const source = new Source(address)
      sources.push(source)
      return source as unknown as EventSource
    },
  )
})
afterEach(() => {
  stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('begins after the board and passes events on with their sequence', () => {
  expect(sources[0]?.address).toBe('/api/v1/stream?after=7')
  sources[0]?.say('case', '{"event":"case","case":{}}', '8')
  sources[0]?.say('edge', '{"event":"edge","edge":{}}', '8')
  sources[0]?.say('sighting', 'no JSON', '9')
  expect(told).toEqual([['case', 8], ['edge', null]])
})

it('leaves passing breaks to the browser, which says where it was', () => {
  sources[0]?.onopen?.()
  sources[0]?.onerror?.()
  vi.advanceTimersByTime(60_000)
  expect(sources).toHaveLength(1)
  expect(links).toEqual(['connecting', 'live', 'broken'])
})

it('begins anew after the last sequence where the browser gave up', () => {
  sequence = 12
  sources[0]?.close()
  sources[0]?.onerror?.()
  vi.advanceTimersByTime(999)
  expect(sources).toHaveLength(1)
  vi.advanceTimersByTime(1)
  expect(sources[1]?.address).toBe('/api/v1/stream?after=12')
})

it('waits longer each time the hub refuses', () => {
  for (const [count, wait] of [1000, 2000, 5000].entries()) {
    sources[count]?.close()
    sources[count]?.onerror?.()
    vi.advanceTimersByTime(wait - 1)
    expect(sources).toHaveLength(count + 1)
    vi.advanceTimersByTime(1)
    expect(sources).toHaveLength(count + 2)
  }
})

it('ends when told', () => {
  stop()
  sources[0]?.onerror?.()
  vi.advanceTimersByTime(60_000)
  expect(sources).toHaveLength(1)
})
