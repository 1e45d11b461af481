import { expect, test } from 'vitest'

import { addressFault } from './own-mail.ts'

const DOMAINS = ['cert.example.jp', 'power.example.jp']

test('an address at a domain that mail goes to is fit, however it is written', () => {
  for (const good of ['sato@cert.example.jp', ' Sato.Kei@POWER.example.jp ', 'a+b@cert.example.jp']) expect(addressFault(good, DOMAINS), good).toBeNull()
})

test('what is no address, and what goes elsewhere, are told apart', () => {
  for (const none of ['', 'sato', '@cert.example.jp', 'sato@', 'sa to@cert.example.jp', 'a@b@cert.example.jp']) expect(addressFault(none, DOMAINS), none).toBe('form')
  for (const other of ['sato@example.net', 'sato@sub.cert.example.jp', 'sato@cert.example.jp.example.net']) expect(addressFault(other, DOMAINS), other).toBe('domain')
})
