import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { CODES } from '../api/error.ts'
import { preferredLanguage } from '../i18n.ts'
import { AUDIT_ACTIONS, ORGANISATION_ROLES, PERSON_ROLES, SECTORS } from '../pages/administration/vocabulary.ts'
import en from './en.json'
import ja from './ja.json'

type Tree = { [key: string]: string | Tree }

function flat(tree: Tree, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(prefix + key, value)
    else for (const [inner, text] of flat(value, `${prefix}${key}.`)) found.set(inner, text)
  }
  return found
}

const JA = flat(ja)
const EN = flat(en)
const singular = (key: string) => key.replace(/_one$/u, '')

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.tsx?$/u.test(entry.name) && !entry.name.includes('.test.') ? [readFileSync(path, 'utf8')] : []
  })
}

describe('both languages', () => {
  it('say nothing twice: of two keys the first would be lost', () => {
    for (const [file, tree] of [['en', en], ['ja', ja]] as const) {
      const lines = readFileSync(join(import.meta.dirname, `${file}.json`), 'utf8').trimEnd().split('\n')
      expect([file, lines.length]).toEqual([file, JSON.stringify(tree, null, 2).split('\n').length])
    }
  })
  it('have the same texts', () => {
    expect([...new Set([...EN.keys()].map(singular))].toSorted()).toEqual([...JA.keys()].toSorted())
  })
  it('fill in the same places', () => {
    const places = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/gu)].map((match) => match[1]).toSorted()
    for (const [key, text] of EN) expect([key, ...places(text)]).toEqual([key, ...places(JA.get(singular(key)) ?? '')])
  })
  it('leave nothing empty and shout nowhere', () => {
    for (const [key, text] of [...JA, ...EN]) {
      expect(text.trim(), key).not.toBe('')
      expect(text, key).not.toMatch(/[!！]/u)
    }
  })
  it('are what they say they are', () => {
    for (const [key, text] of EN) expect(text, key).not.toMatch(/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u)
  })
})

describe('every text that is asked for is there', () => {
  const check = (keys: string[]) => {
    for (const key of keys) expect(JA.has(key), key).toBe(true)
  }
  const files = sources(join(process.cwd(), 'src'))
  it('by its full name', () => {
    const keys = files.flatMap((file) => [...file.matchAll(/'([a-z][A-Za-z]*(?:\.[A-Za-z0-9_-]+)+)'/gu)].map((match) => match[1] ?? ''))
    const roots = new Set([...JA.keys()].map((key) => key.split('.')[0]))
    const wanted = keys.filter((key) => roots.has(key.split('.')[0]))
    expect(wanted.length).toBeGreaterThan(250)
    check(wanted)
  })
  it('by vocabularies', () => {
    check(CODES.flatMap((code) => ['what', 'kept', 'do'].map((part) => `errors.${code}.${part}`)))
    check(SECTORS.map((sector) => `sectors.${sector}`))
    check(PERSON_ROLES.map((role) => `roles.${role}`))
    check(ORGANISATION_ROLES.flatMap((role) => [`organisationRoles.${role}`, `audience.${role}`]))
    check(AUDIT_ACTIONS.map((action) => `actions.${action}`))
    check([0, 1, 2, 3, 4, 5].map((level) => `severity.${level}`))
  })
  it('for every code of the hub', () => {
    const errors = readFileSync(join(process.cwd(), '../crates/api/src/error.rs'), 'utf8')
    const codes = [...errors.matchAll(/ = "([a-z-]+)", \d{3}, /gu)].map((match) => match[1])
    expect(codes.length).toBeGreaterThan(10)
    for (const code of codes) expect(CODES, code).toContain(code)
  })
  it('for every reason of the hub, and for no other', () => {
    const list = readFileSync(join(process.cwd(), '../crates/api/src/reason.rs'), 'utf8').split('REASONS: &[&str] = &[')[1]?.split('];')[0] ?? ''
    const reasons = [...list.matchAll(/"([a-z0-9-]+)"/gu)].map((match) => match[1])
    expect(reasons.length).toBeGreaterThan(200)
    expect(Object.keys(ja.errors.reasons)).toEqual(reasons)
    expect(Object.keys(en.errors.reasons)).toEqual(reasons)
  })
  it('for the hub’s own vocabularies', () => {
    const read = (file: string, name: string) => {
      const text = readFileSync(join(process.cwd(), '../crates/oversight/src', file), 'utf8')
      return [...(text.split(`\n    ${name} {`)[1]?.split('\n    }')[0] ?? '').matchAll(/= "([a-z_-]+)"/gu)].map((match) => match[1])
    }
    expect(read('organisation.rs', 'Sector')).toEqual([...SECTORS])
    expect(read('organisation.rs', 'PersonRole')).toEqual([...PERSON_ROLES])
    expect(read('organisation.rs', 'OrganisationRole')).toEqual([...ORGANISATION_ROLES])
    expect(read('audit.rs', 'Action')).toEqual([...AUDIT_ACTIONS])
    check(read('consent.rs', 'Purpose').map((purpose) => `purposes.${purpose}`))
  })
})

it('begins in the language last chosen, else the browser’s, else Japanese', () => {
  const check = (stored: string | null, browser: string[], expected: string) => expect(preferredLanguage(stored, browser)).toBe(expected)
  check(null, ['ja-JP', 'en'], 'ja')
  check(null, ['en-GB'], 'en')
  check(null, ['de-DE', 'en-US'], 'en')
  check(null, ['fr-FR'], 'ja')
  check('en', ['ja-JP'], 'en')
  check('xx', ['ja-JP'], 'ja')
})
