import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import en from '../locales/en.json'
import ja from '../locales/ja.json'

it('is called as regimes/severity.toml says, and in no other way', () => {
  const text = readFileSync(join(process.cwd(), '../regimes/severity.toml'), 'utf8')
  const levels = [...text.matchAll(/\[\[level\]\]\nlevel = (\d)\nname = \{ ja = "([^"]+)", en = "([^"]+)" \}/gu)].map((found) => found.slice(1))
  expect(levels.length).toBe(6)
  for (const [level = '', japanese, english] of levels) {
    expect([(ja.severity as Record<string, string>)[level], (en.severity as Record<string, string>)[level]]).toEqual([japanese, english])
  }
})
