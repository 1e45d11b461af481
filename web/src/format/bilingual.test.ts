import { expect, it } from 'vitest'

import { inLanguage } from './bilingual.ts'

const check = (text: string, ja: string, en: string) => {
  expect(inLanguage(text, 'ja')).toBe(ja)
  expect(inLanguage(text, 'en')).toBe(en)
}

it('shows the reader’s half of a name in two languages', () => check('蛸壺 / TAKOTSUBO', '蛸壺', 'TAKOTSUBO'))
it('keeps a count that stands before both', () =>
  check('蛸壺の本体 / TAKOTSUBO itself — 2 組織 / organisations', '蛸壺の本体 — 2 組織', 'TAKOTSUBO itself — 2 organisations'))
it('leaves everything else alone', () => {
  for (const text of ['Attack / Defence', 'TAKOTSUBO / 蛸壺', '港湾 / 物流', 'a / b / c', '電力', 'https://x.example/a / b', '']) check(text, text, text)
})
