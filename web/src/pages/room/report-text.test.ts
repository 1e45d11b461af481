import { describe, expect, it } from 'vitest'

import { bytesOf, changeOf, ReportText } from './report-text.ts'

/** Everything that waits in a window, as the hub would take it. */
function sent(window: ReportText): string[] {
  const all: string[] = []
  for (let next = window.next(); next !== null; next = window.next()) {
    all.push(next)
    window.taken()
  }
  return all
}

describe('a change', () => {
  it('is the least there is', () => {
    expect(changeOf('abc', 'abc')).toBeNull()
    expect(changeOf('abc', 'abXc')).toEqual({ at: 2, gone: 0, come: 'X' })
    expect(changeOf('aaa', 'aa')).toEqual({ at: 2, gone: 1, come: '' })
    expect(changeOf('浄水場', '浄化場')).toEqual({ at: 1, gone: 1, come: '化' })
    expect(changeOf('', 'x')).toEqual({ at: 0, gone: 0, come: 'x' })
  })
  it('parts no letter that takes two places', () => {
    expect(changeOf('a😀b', 'a😁b')).toEqual({ at: 1, gone: 2, come: '😁' })
    expect(changeOf('😀', '🐀')).toEqual({ at: 0, gone: 2, come: '🐀' })
  })
})

describe('a situation report', () => {
  it('comes to the same in two windows that typed without hearing of each other', () => {
    const [one, other] = [new ReportText(), new ReportText()]
    one.type('浄水場に侵入。')
    for (const update of sent(one)) other.hear(update)
    one.type('第1報 浄水場に侵入。')
    other.type('浄水場に侵入。遮断した。')
    const [begun, ended] = [sent(one), sent(other)]
    for (const update of ended) one.hear(update)
    for (const update of begun) other.hear(update)
    expect(one.text).toBe('第1報 浄水場に侵入。遮断した。')
    expect(other.text).toBe(one.text)
  })

  it('sends the same until it was taken, and what was typed meanwhile after it', () => {
    const [window, hub] = [new ReportText(), new ReportText()]
    window.type('a')
    const first = window.next()
    window.type('ab')
    expect(window.next()).toBe(first)
    window.taken()
    expect(window.unsent).toBe(true)
    hub.hear(first ?? '')
    for (const update of sent(window)) hub.hear(update)
    expect(hub.text).toBe('ab')
    expect(window.unsent).toBe(false)
    expect(window.keep()).toEqual([])
  })

  it('keeps what could not be sent over a reload, and sends it twice without harm', () => {
    const [before, hub] = [new ReportText(), new ReportText()]
    before.type('typed while the hub was away')
    const kept = before.keep()
    const after = new ReportText()
    after.again(kept)
    expect(after.text).toBe('typed while the hub was away')
    for (const update of kept) hub.hear(update)
    for (const update of sent(after)) hub.hear(update)
    expect(hub.text).toBe('typed while the hub was away')
  })

  it('sends a long paste in parts that the hub takes', () => {
    const window = new ReportText()
    window.type('漢'.repeat(20_000))
    const parts = sent(window)
    expect(Math.max(...parts.map((part) => bytesOf(part).length))).toBeLessThan(16_384)
    const hub = new ReportText()
    for (const part of parts) hub.hear(part)
    expect(hub.text).toBe(window.text)
  })

  it('leaves the caret where it stood between letters', () => {
    const [one, other] = [new ReportText(), new ReportText()]
    one.type('ab')
    for (const update of sent(one)) other.hear(update)
    const caret = one.caret(1)
    other.type('XXab')
    for (const update of sent(other)) one.hear(update)
    expect(one.place(caret)).toBe(3)
  })
})
