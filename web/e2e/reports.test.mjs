// Reports of incidents as people make them against the real program: part of `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, complaints, eventually, look, shot, startBrowser, startDemo } from './harness.mjs'

const PASSWORD = '報告の櫓から当局を見る 2026'
let demo
let browser
let page
let heard

const go = async (path) => {
  await page.goto(demo.address + path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
}

before(async () => {
  demo = await startDemo()
  browser = await startBrowser()
  page = await browser.context.newPage()
  heard = complaints(page)
  await page.goto(demo.signIn)
  await page.getByLabel('新しいパスワード').fill(PASSWORD)
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  await page.getByRole('heading', { name: 'あなたを待つもの' }).waitFor()
})
after(async () => {
  await browser?.stop()
  await demo?.stop()
})

for (const [language, words] of [['ja', ja], ['en', en]]) {
  test(`${language}: an emergency report is written on one page, kept while the connection is away, and sent later`, async () => {
    await look(page, language, language === 'ja' ? 'light' : 'dark')
    await go('/reports/new')
    const summary = `基幹系が暗号化された (${language})`
    await page.getByRole('combobox', { name: words.reporting.kind }).or(page.getByRole('textbox', { name: words.reporting.kind })).first().click()
    await page.getByRole('option', { name: language === 'ja' ? 'ランサムウェア' : 'ransomware', exact: true }).click()
    await page.getByRole('textbox', { name: language === 'ja' ? '概要' : 'summary' }).fill(summary)
    assert.deepEqual(await axe(page), [])
    await shot(page, `report-new-${language}`)
    await browser.context.setOffline(true)
    await page.getByRole('button', { name: words.reporting.send, exact: true }).click()
    await page.getByText(words.reporting.draftWaits).waitFor()
    await browser.context.setOffline(false)
    await page.getByText(words.reporting.draftWaits).waitFor({ state: 'detached', timeout: 40_000 })
    await go('/reports')
    await page.getByRole('link', { name: summary }).first().waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `reports-${language}`)
  })

  test(`${language}: its form is filed from its clock, and the receipt is there`, async () => {
    await go('/reports')
    await page.getByRole('link', { name: `基幹系が暗号化された (${language})` }).first().click()
    await page.getByRole('link', { name: words.reporting.openForm }).first().click()
    await page.getByRole('heading', { name: words.reporting.file, exact: true }).waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `report-form-${language}`)
    await page.getByRole('button', { name: words.reporting.fileElsewhere }).click()
    await page.getByRole('link', { name: words.reporting.receipt }).first().waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `report-${language}`)
  })
}

test('without a connection a report can be begun from anywhere; a page that was never fetched says so, and comes by itself', async () => {
  await look(page, 'ja', 'light')
  await go('/')
  const isFetched = () => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => /\/(?:emergency|palette|help)-[^/]*\.js$/u.test(name)).length === 3)
  await eventually(isFetched, 'what is fetched ahead')
  await browser.context.setOffline(true)
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog').getByRole('combobox').fill(ja.reporting.begin)
  await page.getByRole('option', { name: ja.reporting.begin }).first().click()
  await page.getByRole('textbox', { name: '概要' }).waitFor()
  await page.getByRole('navigation').getByRole('link', { name: ja.places.sharing }).click()
  await page.getByRole('alert').getByText(ja.errors.unfetched.what).waitFor()
  assert.deepEqual(await axe(page), [])
  await shot(page, 'page-missing')
  await browser.context.setOffline(false)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
  assert.equal(await page.getByRole('alert').count(), 0)
  await shot(page, 'page-come')
})

test('nothing was complained of', () => assert.deepEqual(heard, []))
