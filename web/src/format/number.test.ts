import { expect, it } from 'vitest'

import { bytes, exact, short } from './number.ts'

const check = (value: number, ja: string, en: string) => {
  expect(short(value, 'ja')).toBe(ja)
  expect(short(value, 'en')).toBe(en)
}

it('keeps small counts exact', () => {
  check(0, '0', '0')
  check(9999, '9,999', '9,999')
})
it('uses 万 and 億 in Japanese, M and bn in English', () => {
  check(10_000, '1万', '10,000')
  check(12_412, '1.2万', '12,412')
  check(1_250_000, '125万', '1.2 M')
  check(123_456_789, '1.2億', '123 M')
  check(99_999_999, '9,999万', '99.9 M')
  check(34_000_000_000, '340億', '34 bn')
  check(2_000_000_000_000, '2兆', '2,000 bn')
})
it('cuts and never promises more than there is', () => check(19_999, '1.9万', '19,999'))
it('groups by three', () => expect(exact(1_234_567)).toBe('1,234,567'))
it('names sizes', () => {
  expect(bytes(0)).toBe('0 B')
  expect(bytes(1023)).toBe('1023 B')
  expect(bytes(1536)).toBe('1.5 KiB')
  expect(bytes(34 * 1024 * 1024)).toBe('34 MiB')
})
