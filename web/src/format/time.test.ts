import { describe, expect, it } from 'vitest'

import { absolute, clock, relative, span } from './time.ts'

const NOW = Date.parse('2026-11-23T03:00:00Z')
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString()

describe('relative', () => {
  const check = (seconds: number, ja: string, en: string) => {
    expect(relative(ago(seconds), NOW, 'ja')).toBe(ja)
    expect(relative(ago(seconds), NOW, 'en')).toBe(en)
  }
  it('calls the last seconds now, also where a clock is a little ahead', () => {
    check(0, 'たった今', 'just now')
    check(9, 'たった今', 'just now')
    check(-9, 'たった今', 'just now')
  })
  it('uses one unit, cut and never rounded up', () => {
    check(10, '10秒前', '10 s ago')
    check(59, '59秒前', '59 s ago')
    check(60, '1分前', '1 min ago')
    check(3599, '59分前', '59 min ago')
    check(3600, '1時間前', '1 h ago')
    check(86_399, '23時間前', '23 h ago')
    check(86_400, '1日前', '1 d ago')
    check(31 * 86_400, '1か月前', '1 mo ago')
    check(366 * 86_400, '1年前', '1 y ago')
  })
  it('speaks of what is ahead', () => check(-90 * 86_400, 'あと3か月', 'in 3 mo'))
  it('shows what it cannot read as it is', () => expect(relative('soon', NOW, 'en')).toBe('soon'))
})

describe('clock', () => {
  it('counts up in hours, then in days', () => {
    expect(clock(ago(5), NOW, 'ja')).toBe('0:05')
    expect(clock(ago(245), NOW, 'ja')).toBe('4:05')
    expect(clock(ago(3845), NOW, 'en')).toBe('1:04:05')
    expect(clock(ago(3 * 86_400 + 3840), NOW, 'ja')).toBe('3日 1:04')
    expect(clock(ago(3 * 86_400 + 3840), NOW, 'en')).toBe('3 d 1:04')
  })
  it('does not run backwards', () => expect(clock(ago(-30), NOW, 'en')).toBe('0:00'))
})

describe('absolute', () => {
  it('moves a date over midnight between UTC and Japan', () => {
    expect(absolute('2026-12-31T15:00:00Z', 'JST')).toBe('2027-01-01 00:00:00 JST')
    expect(absolute('2026-12-31T15:00:00Z', 'UTC')).toBe('2026-12-31 15:00:00 UTC')
  })
  it('reads microseconds as the hub writes them', () => expect(absolute('2026-11-23T02:03:04.123456Z', 'UTC')).toBe('2026-11-23 02:03:04 UTC'))
})

it('names an empty span', () => expect(span(0.4, 'ja')).toBe('0秒'))
