// @vitest-environment jsdom
import { createInstance, type i18n } from 'i18next'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { I18nextProvider, initReactI18next } from 'react-i18next'
import { expect, it } from 'vitest'

import { errorOf } from '../api/error.ts'
import en from '../locales/en.json'
import ja from '../locales/ja.json'
import { ErrorNote } from './error-note.tsx'

async function catalogue(lng: 'ja' | 'en'): Promise<i18n> {
  const instance = createInstance()
  await instance.use(initReactI18next).init({
    lng, fallbackLng: false, resources: { [lng]: { translation: lng === 'ja' ? ja : en } }, interpolation: { escapeValue: false }, nsSeparator: false,
  })
  return instance
}

/** What a person reads of a refusal: one text for each paragraph. */
function read(i18n: i18n, problem: object): string[] {
  const error = errorOf(422, JSON.stringify({ type: 'about:blank', title: 'breaks a rule', status: 422, code: 'unprocessable', request: 'r1', ...problem }))
  const page = document.createElement('div')
  page.innerHTML = renderToStaticMarkup(createElement(I18nextProvider, { i18n }, createElement(ErrorNote, { error })))
  return [...page.querySelectorAll('p')].map((paragraph) => paragraph.textContent ?? '')
}

const MERGE = { reason: 'merge-itself', detail: 'a case is not merged with itself' }
const TITLE = { reason: 'text-length', params: { field: 'title', max: '200' }, detail: 'title: it has 1 to 200 characters' }
const GROUP = { reason: 'no-such-group', detail: 'group: your organisation is in no sharing group `x`' }
const NEWER = { reason: 'of-a-newer-hub', detail: 'something new' }

it('says a reason in Japanese, and the hub’s own words only where they add to it', async () => {
  const { errors } = ja
  const i18n = await catalogue('ja')
  expect(read(i18n, MERGE)).toEqual(['事案を自分自身とは統合できません。別の事案を選んでください。', errors.unprocessable.kept, `${errors.quote} unprocessablemerge-itselfr1`])
  expect(read(i18n, TITLE)[0]).toBe('「題名」は 1～200 文字で書いてください。空白だけの入力は受け付けません。')
  expect(read(i18n, TITLE)).toHaveLength(3)
  expect(read(i18n, GROUP).slice(0, 3)).toEqual([
    'あなたの組織が属する共有グループではありません。一覧から選んでください。', errors.unprocessable.kept, `${errors.detail} ${GROUP.detail}`,
  ])
})

it('says a reason in English', async () => {
  const i18n = await catalogue('en')
  expect(read(i18n, MERGE)[0]).toBe('A case is not merged with itself. Choose another one.')
  expect(read(i18n, TITLE)[0]).toBe('“title” takes 1 to 200 characters, and more than blanks.')
  expect(read(i18n, GROUP)[2]).toBe(`Detail: ${GROUP.detail}`)
})

it('says by its code what has no reason, or one of a newer hub, with the hub’s own words', async () => {
  for (const [lng, { errors }] of [['ja', ja], ['en', en]] as const) {
    const i18n = await catalogue(lng)
    for (const problem of [NEWER, { detail: 'something new' }]) {
      const paragraphs = read(i18n, problem)
      const { what, kept, do: remedy } = errors.unprocessable
      expect(paragraphs.slice(0, 4)).toEqual([what, kept, remedy, `${errors.detail} something new`])
    }
  }
})

it('takes values for text, and nothing that is none', async () => {
  const i18n = await catalogue('ja')
  expect(read(i18n, { reason: 'text-max', params: { field: '{{max}} $t(errors.retry)', max: '5' }, detail: 'x' })[0]).toBe('「{{max}} $t(errors.retry)」は 5 文字までです。短くしてください。')
  expect(read(i18n, { reason: 7, params: 'none', detail: 'x' })[0]).toBe(ja.errors.unprocessable.what)
})
