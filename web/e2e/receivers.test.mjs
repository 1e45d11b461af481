// Who can be given a copy of a report, in both languages, against the real program: nobody at first, then an agency, which has the exact
// copy and answers it. Part of `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, shot, startHub, startShared } from './harness.mjs'
import { enter, fill } from './people.mjs'

const WORDS = { ja, en }
const POLICE = { ja: '警察庁サイバー警察局', en: 'National Police Agency' }
const SUMMARY = '監視制御用の端末が暗号化された'
const ASKED = '暗号化された端末の台数を、あすの9時までに報告してください。'
const FORM = 'jp.common.ransomware/first/police'

for (const language of ['ja', 'en']) describe(language, { concurrency: false }, () => receivers(language))

function receivers(language) {
  const words = WORDS[language]
  const { reporting } = words
  const look = { language, words, scheme: language === 'ja' ? 'light' : 'dark' }
  let hub
  let browser
  let me
  let police
  let report

  before(async () => {
    hub = await startHub('')
    browser = await startShared()
    me = await enter(browser, hub, hub.signIn, look)
    const begun = await me.ask('POST', '/api/v1/reports', { id: crypto.randomUUID(), kind: 'ransomware', aware: new Date().toISOString(), fields: { summary: SUMMARY, contact: '03-0000-0000' } })
    assert.equal(begun.status, 200, JSON.stringify(begun.body))
    report = begun.body.id
  })
  after(async () => {
    await browser?.stop()
    await hub?.stop()
  })

  const field = (page, label) => page.getByRole('combobox', { name: label, exact: true }).or(page.getByRole('textbox', { name: label, exact: true })).first()
  const choose = async (page, label, option) => {
    await field(page, label).click()
    await page.getByRole('option', { name: option, exact: true }).click()
    await page.getByRole('option').first().waitFor({ state: 'hidden' })
  }
  const listed = async () => (await me.ask('GET', '/api/v1/report-receivers')).body.hubs

  test('nobody can be given a copy yet: the form says who could be, and where that is agreed', async () => {
    const hubs = await listed()
    assert.deepEqual(hubs.map((one) => [one.hub ?? null, one.organisations]), [[null, []]])
    await me.go(`/reports/${report}/forms/${FORM}`)
    await me.page.getByText(reporting.noReceivers).waitFor()
    assert.equal(await field(me.page, reporting.givenTo).count(), 0)
    await me.page.getByRole('button', { name: reporting.fileElsewhere, exact: true }).waitFor()
    assert.deepEqual(await axe(me.page), [])
    await shot(me.page, `receivers-none-${language}`)
    await me.page.setViewportSize({ width: 390, height: 844 })
    assert.equal(await me.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'nothing is wider than a telephone')
    await me.page.setViewportSize({ width: 1280, height: 800 })
    await me.page.getByRole('main').getByRole('link', { name: words.sharing.agreements, exact: true }).click()
    await me.page.waitForURL('**/sharing/agreements')
  })

  test('an agency of the council is offered, and is given the exact copy', async () => {
    const added = await me.ask('POST', '/api/v1/organisations', { id: 'npa', name_ja: POLICE.ja, name_en: POLICE.en, role: 'agency', sectors: [], prefecture: null })
    assert.equal(added.status, 200, JSON.stringify(added.body))
    const person = await me.ask('POST', '/api/v1/people', { login: 'kuroki', name: '黒木 薫', organisation: 'npa', roles: ['duty_officer', 'analyst'] })
    assert.equal(person.status, 200, JSON.stringify(person.body))
    police = await enter(browser, hub, person.body.sign_in, look)
    assert.deepEqual((await listed()).flatMap((one) => one.organisations.map(({ id }) => id)), ['npa'])
    await me.go(`/reports/${report}/forms/${FORM}`)
    await field(me.page, reporting.givenTo).click()
    await me.page.getByText(reporting.thisCouncil, { exact: true }).waitFor()
    await shot(me.page, `receivers-${language}`)
    await me.page.getByRole('option', { name: POLICE[language], exact: true }).click()
    await me.page.getByRole('option').first().waitFor({ state: 'hidden' })
    assert.equal(await me.page.getByLabel(reporting.leftAt).count(), 0, 'what is given here leaves now')
    assert.deepEqual(await axe(me.page), [])
    await me.page.getByRole('button', { name: reporting.fileHere, exact: true }).click()
    await me.page.waitForURL(`**/reports/${report}`)
    await me.page.getByText(fill(reporting.copyTo, { name: POLICE[language] })).waitFor()
    const [copy, receipt] = [reporting.copy, reporting.receipt].map((name) => me.page.getByRole('link', { name, exact: true }))
    assert.match(await copy.getAttribute('href'), /\/filings\/[^/]+\/copy$/u)
    assert.match(await receipt.getAttribute('href'), /\/filings\/[^/]+\/receipt$/u)
    assert.deepEqual(await axe(me.page), [])
    await shot(me.page, `receivers-given-${language}`)
  })

  test('it reads the copy alone and answers; the answer stands under who gave it', async () => {
    await police.go('/reports')
    await police.page.getByRole('link', { name: reporting.givenCopy }).click()
    await police.page.getByText(reporting.noThread).waitFor()
    assert.equal(await police.page.getByText(SUMMARY).count(), 0, 'what is in a report is not shown beside its copy')
    await choose(police.page, reporting.answer, reporting.answers.requested)
    await police.page.getByRole('textbox', { name: reporting.text, exact: true }).fill(ASKED)
    assert.deepEqual(await axe(police.page), [])
    await shot(police.page, `receivers-answer-${language}`)
    await police.page.getByRole('button', { name: reporting.sendAnswer, exact: true }).click()
    await police.page.getByText(reporting.noThread).waitFor({ state: 'detached' })
    await me.go(`/reports/${report}`)
    const answer = me.page.getByRole('listitem').filter({ hasText: ASKED })
    await answer.getByText(reporting.answers.requested, { exact: true }).waitFor()
    // Under it and not beside it, however short it is.
    const [head, text] = await Promise.all([answer.getByText(reporting.answers.requested, { exact: true }).boundingBox(), answer.getByText(ASKED).boundingBox()])
    assert.ok(text.y >= head.y + head.height - 1, `${JSON.stringify(text)} is beside ${JSON.stringify(head)}`)
    assert.deepEqual(await axe(me.page), [])
    await shot(me.page, `receivers-answered-${language}`)
  })

  test('on a telephone each clock has its next step in it', async () => {
    await me.page.setViewportSize({ width: 390, height: 844 })
    await me.go('/reports')
    const first = me.page.getByRole('link', { name: reporting.openForm }).or(me.page.getByRole('link', { name: reporting.fileAgain })).first()
    const box = await first.boundingBox()
    assert.ok(box.x >= 0 && box.x + box.width <= 390, `${JSON.stringify(box)} is out of sight`)
    assert.equal(await me.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'nothing is wider than a telephone')
    assert.deepEqual(await axe(me.page), [])
    await shot(me.page, `receivers-phone-${language}`)
    await me.page.setViewportSize({ width: 1280, height: 800 })
  })

  test('nothing was complained of', () => assert.deepEqual([me.heard, police.heard], [[], []]))
}
