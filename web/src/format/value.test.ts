import { describe, expect, it } from 'vitest'

import { defang, recognise, refang } from './value.ts'

describe('recognise', () => {
  const check = (text: string, kind: string | null, value?: string) => {
    const found = recognise(text)
    expect(found?.kind ?? null).toBe(kind)
    if (value !== undefined) expect(found?.value).toBe(value)
  }
  it('knows plain values', () => {
    check('203.0.113.5', 'ipv4-addr')
    check('203.0.113.0/24', 'ipv4-addr')
    check('2001:DB8::1', 'ipv6-addr', '2001:db8::1')
    check('::ffff:192.0.2.1', 'ipv6-addr')
    check('cdn.update-jp.example', 'domain-name')
    check('例え.テスト', 'domain-name')
    check('https://login.example/vpn?a=1', 'url')
    check('soc@example.jp', 'email-addr')
    check('D41D8CD98F00B204E9800998ECF8427E', 'file-hash', 'd41d8cd98f00b204e9800998ecf8427e')
  })
  it('undoes what analysts write so that nobody clicks', () => {
    check('hxxps://login[.]example/vpn', 'url', 'https://login.example/vpn')
    check('203[.]0[.]113[.]5', 'ipv4-addr', '203.0.113.5')
    check('evil(dot)example', 'domain-name', 'evil.example')
    check('soc[@]example[.]jp', 'email-addr', 'soc@example.jp')
    check('hxxp[://]evil[.]example', 'url', 'http://evil.example')
  })
  it('reads full-width characters from an input method', () => {
    check('２０３．０．１１３．５', 'ipv4-addr', '203.0.113.5')
    check('「cdn.example」', 'domain-name', 'cdn.example')
  })
  it('leaves words alone', () => {
    check('電力', null)
    check('update jp', null)
    check('CVE-2026-31337', null)
    check('1.2', null)
    check('256.1.1.1', null)
    check('203.0.113.5/33', null)
    check('1:2:3', null)
    check(':::', null)
    check('', null)
  })
})

describe('defang', () => {
  const check = (value: string, expected: string) => {
    expect(defang(value)).toBe(expected)
    expect(refang(expected)).toBe(value)
  }
  it('makes values safe to show, and refang gives them back', () => {
    check('203.0.113.5', '203.0.113[.]5')
    check('cdn.update-jp.example', 'cdn.update-jp[.]example')
    check('https://login.example/vpn', 'hxxps://login[.]example/vpn')
    check('soc@example.jp', 'soc[@]example.jp')
    check('2001:db8::1', '2001:db8:[:]1')
  })
  it('leaves names and hashes as they are', () => {
    expect(defang('HIBACHI ローダー')).toBe('HIBACHI ローダー')
    expect(defang('d41d8cd98f00b204e9800998ecf8427e')).toBe('d41d8cd98f00b204e9800998ecf8427e')
  })
})
