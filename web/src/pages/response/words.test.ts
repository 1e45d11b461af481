import { createInstance } from 'i18next'
import { expect, it } from 'vitest'

import en from '../../locales/en.json'
import ja from '../../locales/ja.json'
import { coded, gateReason } from './words.ts'

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

it('says by a code what is wrong with a playbook and why it does not run, and marks as English what it does not know', async () => {
  const said: string[] = []
  for (const [lng, translation] of [['ja', ja], ['en', en]] as const) {
    const catalogue = createInstance()
    await catalogue.init({ lng, fallbackLng: false, resources: { [lng]: { translation } }, interpolation: { escapeValue: false }, nsSeparator: false })
    const detail = { code: 'undefined-variable', arguments: { name: '__a__ {{name}} $t(common.cancel)' } }
    said.push(
      coded(catalogue, 'playbookDetails', 'in English', detail).text,
      coded(catalogue, 'playbookReasons', 'in English', { code: 'not-yet', arguments: { from: '2026-12-01T00:00:00.000Z' } }).text,
      coded(catalogue, 'answerReasons', 'in English', { code: 'asker' }).text,
    )
    expect(coded(catalogue, 'playbookReasons', 'in English', { code: 'of-a-newer-hub' })).toEqual({ text: 'in English', lang: 'en' })
    expect(coded(catalogue, 'playbookReasons', 'in English')).toEqual({ text: 'in English', lang: 'en' })
  }
  expect(said).toEqual([
    '変数「__a__ {{name}} $t(common.cancel)」は、使われている場所で定義されていません。ステップかプレイブックで宣言してください', 'プレイブックは 2026-12-01 09:00:00 JST から有効です', '求めた本人は承認できません。',
    'the variable `__a__ {{name}} $t(common.cancel)` is not defined where it is used: declare it at the step or at the playbook', 'the playbook is valid from 2026-12-01 09:00:00 JST', 'Whoever asked does not approve.',
  ])
})
