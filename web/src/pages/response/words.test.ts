import { createInstance } from 'i18next'
import { expect, it } from 'vitest'

import en from '../../locales/en.json'
import ja from '../../locales/ja.json'
import { gateReason } from './words.ts'

it('says why a gate refused in the language of the reader, and in English what the catalogue does not know', async () => {
  const english = 'gate `radius`: it names 12 addresses and may name 10'
  const known = { gate: 'radius', code: 'too-many-addresses', arguments: { count: '12', most: '10' } }
  const said: string[] = []
  for (const [lng, translation] of [['ja', ja], ['en', en]] as const) {
    const catalogue = createInstance()
    await catalogue.init({ lng, fallbackLng: false, resources: { [lng]: { translation } }, interpolation: { escapeValue: false }, nsSeparator: false })
    said.push(gateReason(catalogue, english, known), gateReason(catalogue, `not ordered: ${english}`, { ...known, refused: 'not-ordered' }))
    expect(gateReason(catalogue, english, { code: 'of-a-newer-hub' })).toBe(english)
    expect(gateReason(catalogue, english, null)).toBe(english)
    expect(gateReason(catalogue, 'said by a person')).toBe('said by a person')
  }
  expect(said).toEqual([
    '影響範囲：対象が 12 件あります。上限は 10 件です', '命令しませんでした。影響範囲：対象が 12 件あります。上限は 10 件です',
    'Extent: it names 12 addresses and may name 10', 'Not ordered. Extent: it names 12 addresses and may name 10',
  ])
})
