import { describe, expect, it } from 'vitest'

import { ApiError } from '../../api/error.ts'
import { DRAFTS_MAX, drafts, drop, keep, sendReady, wire, type Draft } from './drafts.ts'

function memory(limit = Infinity) {
  const held = new Map<string, string>()
  return {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => {
      if (value.length > limit) throw new DOMException('full', 'QuotaExceededError')
      held.set(key, value)
    },
    removeItem: (key: string) => void held.delete(key),
    held,
  }
}

const draft = (id: string, change: Partial<Draft> = {}): Draft => ({ id, kind: 'ransomware', aware: '2026-11-29T00:00:00Z', fields: { summary: '暗号化' }, ready: true, ...change })
const taken = (id: string) => ({ id: `incident--${id}`, events: [], already: false, findings: [] })

describe('drafts', () => {
  it('are kept under their account and replaced by what is newer', () => {
    const store = memory()
    expect(keep('hanako', store, draft('1', { ready: false }))).toBe(true)
    expect(keep('hanako', store, draft('1', { fields: { summary: '続報' } }))).toBe(true)
    expect(drafts('hanako', store)).toEqual([draft('1', { fields: { summary: '続報' } })])
    expect(drafts('taro', store)).toEqual([])
    drop('hanako', store, '1')
    expect(store.held.size).toBe(0)
  })
  it('survive what somebody else wrote there', () => {
    const store = memory()
    for (const broken of ['', 'null', '{}', '[null, 1, {"id": 1}]', '[{"id":"1"}', '[{"id":"1","kind":"k","aware":"a"}]']) {
      store.held.set('yagura.report-drafts.hanako', broken)
      expect(drafts('hanako', store)).toEqual([])
    }
  })
  it('say so where there is no room', () => {
    const store = memory()
    for (let count = 0; count < DRAFTS_MAX; count += 1) expect(keep('hanako', store, draft(String(count)))).toBe(true)
    expect(keep('hanako', store, draft('more'))).toBe(false)
    expect(keep('hanako', store, draft('0', { kind: 'ddos' }))).toBe(true)
    expect(keep('hanako', memory(10), draft('1'))).toBe(false)
  })
  it('are sent once they are ready, as the hub takes them', async () => {
    const store = memory()
    keep('hanako', store, draft('1', { ready: false }))
    keep('hanako', store, draft('2'))
    const asked: unknown[] = []
    const sent = await sendReady('hanako', store, async (report) => {
      asked.push(report)
      return taken(report.id)
    })
    expect([sent, asked]).toEqual([['incident--2'], [wire(draft('2'))]])
    expect(drafts('hanako', store).map(({ id }) => id)).toEqual(['1'])
  })
  it('wait while nobody answers, and are not asked for again and again where they are refused', async () => {
    const store = memory()
    for (const id of ['1', '2', '3']) keep('hanako', store, draft(id))
    let count = 0
    const away = async () => {
      count += 1
      throw new ApiError('unreachable', 0)
    }
    expect(await sendReady('hanako', store, away)).toEqual([])
    expect([count, drafts('hanako', store).length]).toEqual([1, 3])
    const refusing = async (report: { id: string }) => {
      if (report.id === '2') throw new ApiError('unprocessable', 422)
      return taken(report.id)
    }
    expect(await sendReady('hanako', store, refusing)).toEqual(['incident--1', 'incident--3'])
    expect(drafts('hanako', store)).toEqual([draft('2', { refused: 'unprocessable' })])
    expect(await sendReady('hanako', store, away)).toEqual([])
    expect(count).toBe(1)
  })
})
