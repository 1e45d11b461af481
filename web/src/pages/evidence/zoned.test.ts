import { expect, test } from 'vitest'

import { onClock, zoned, zones } from './zoned.ts'

test('a time is kept with its offset and its zone', () => {
  expect(zoned('2026-11-30T18:05', 'Asia/Tokyo')).toBe('2026-11-30T18:05:00+09:00[Asia/Tokyo]')
  expect(zoned('2026-11-30T18:05:09', 'UTC')).toBe('2026-11-30T18:05:09+00:00[UTC]')
  expect(zoned('2026-07-01T12:00', 'America/New_York')).toBe('2026-07-01T12:00:00-04:00[America/New_York]')
  expect(zoned('2026-11-30T12:00', 'Asia/Kolkata')).toBe('2026-11-30T12:00:00+05:30[Asia/Kolkata]')
})

test('an hour after a change of clocks has the offset of its own side', () => {
  expect(zoned('2026-03-08T03:30', 'America/New_York')).toBe('2026-03-08T03:30:00-04:00[America/New_York]')
  expect(zoned('2026-03-08T01:30', 'America/New_York')).toBe('2026-03-08T01:30:00-05:00[America/New_York]')
})

test('what is no time is none', () => {
  expect(zoned('', 'Asia/Tokyo')).toBeNull()
})

test('the browser’s zone is offered once', () => {
  expect(zones('Asia/Tokyo')).toEqual(['Asia/Tokyo', 'UTC'])
  expect(zones('Europe/Berlin')).toEqual(['Europe/Berlin', 'Asia/Tokyo', 'UTC'])
})

test('a field begins with the clock on the wall', () => {
  expect(onClock(Date.parse('2026-11-30T09:05:30Z'), 'Asia/Tokyo')).toBe('2026-11-30T18:05')
})
