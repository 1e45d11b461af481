import i18next from 'i18next'
import { expect, test } from 'vitest'

import type { RoomSays } from '../../api/room.ts'
import en from '../../locales/en.json'
import ja from '../../locales/ja.json'
import { said, type Teller } from './said.ts'

const SATO = { account: 'p1', organisation: 'council' }
const EVERY: RoomSays[] = [
  { says: 'note', text: 'x' }, { says: 'reported', report: 2, text: 'x' }, { says: 'mailed', sha256: 'a' }, { says: 'mailed', from: 'a@b', subject: 's', text: 'x', sha256: 'a' }, { says: 'invited', member: 'npa' },
  { says: 'objects', ids: ['a', 'b'] }, { says: 'commands' }, { says: 'hand-over', to: SATO, brief: 'b' }, { says: 'takes-over', hand_over: 'h' }, { says: 'leads', lane: 'asset', person: SATO },
  { says: 'period', from: '', until: '', objectives: 'o' }, { says: 'task-offered', to: 'npa', title: 'keep', lane: 'asset', legal_basis: 'Art. 7' }, { says: 'task-accepted', task: 't1', legal_basis: 'Art. 8' },
  { says: 'task-declined', task: 't2', reason: 'r' }, { says: 'task-withdrawn', task: 't1', reason: 'r' }, { says: 'task-handed-back', task: 't1', done: false, result: 'r' }, { says: 'decided', question: 'q', options: ['a', 'b'], chosen: 1, reason: 'r' },
  { says: 'severity-proposed', level: 3 }, { says: 'severity-declared', level: 4, reason: 'r' }, { says: 'merged', other: 'c', reason: 'r' }, { says: 'unmerged', merge: 'm', reason: 'r' }, { says: 'published-as', entry: 'e', published: 'p' }, { says: 'typed', report: 1, update: 'u' },
]

async function teller(language: 'ja' | 'en'): Promise<Teller> {
  const i18n = i18next.createInstance()
  await i18n.init({ lng: language, resources: { [language]: { translation: language === 'ja' ? ja : en } }, interpolation: { escapeValue: false }, nsSeparator: false })
  return { t: (key, places) => i18n.t(key, places ?? {}), organisation: (name) => `<${name}>`, person: (one) => `<${one.account}>`, task: (entry) => (entry === 't1' ? 'keep' : undefined) }
}

for (const language of ['ja', 'en'] as const) {
  test(`${language}: every entry is told without a hole, and without the name of a text`, async () => {
    const told = await teller(language)
    for (const says of EVERY) {
      const text = said(says, told)
      expect(text, says.says).not.toMatch(/\{\{|room\.|severity\.|undefined|null/u)
      expect(text.trim(), says.says).not.toBe('')
    }
  })
}

test('who, what and why stand in it', async () => {
  const told = await teller('en')
  const tell = (says: RoomSays) => said(says, told)
  expect(tell({ says: 'invited', member: 'npa' })).toBe('<npa> was called in')
  expect(tell({ says: 'task-offered', to: 'npa', title: 'keep', lane: 'asset', legal_basis: 'Art. 7' })).toBe('Offers a task to <npa>: keep\nLegal basis: Art. 7')
  expect(tell({ says: 'task-handed-back', task: 't1', done: false, result: 'no disk' })).toBe('Handed the task back: keep (not done)\nno disk')
  expect(tell({ says: 'severity-declared', level: 4, reason: 'three sectors' })).toBe('Severity declared: 4 Severe\nthree sectors')
  expect(tell({ says: 'task-declined', task: 'unknown', reason: 'r' })).toBe('Declined the task\nr')
})
