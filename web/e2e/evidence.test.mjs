// Evidence of a case as people handle it against the real program: part of `npm run e2e`.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, complaints, look, program, shot, startBrowser, startDemo } from './harness.mjs'

const PASSWORD = '証拠の保管庫を見回る 2026'
const CONTENT = Buffer.from(`<script>alert('seized')</script>\n${'接続 203.0.113.9\n'.repeat(5000)}`)
const SHA256 = createHash('sha256').update(CONTENT).digest('hex')
let demo
let browser
let page
let heard
let folder

const go = async (path) => {
  await page.goto(demo.address + path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
}
const choose = async (label, option) => {
  await page.getByRole('combobox', { name: label }).or(page.getByRole('textbox', { name: label })).first().click()
  await (option === undefined ? page.getByRole('option').first() : page.getByRole('option', { name: option })).click()
}
const inDialog = () => page.getByRole('dialog')
// What the dialog covers by half cannot be pressed while it is open, and is no small target.
const faults = async () => (await axe(page)).filter((found) => !found.includes('partially obscured'))

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'yagura-evidence-'))
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
  await rm(folder, { recursive: true, force: true })
})

for (const [language, words] of [['ja', ja], ['en', en]]) {
  test(`${language}: a file is secured, hashed and sealed, and its custody begins`, async () => {
    await look(page, language, language === 'ja' ? 'light' : 'dark')
    await go('/cases')
    await page.getByRole('button', { name: words.cases.new }).click()
    await page.getByRole('textbox', { name: words.cases.title }).fill(`踏み台にされた端末 (${language})`)
    await page.getByRole('button', { name: words.cases.open, exact: true }).click()
    await page.getByRole('link', { name: words.evidence.open }).click()
    await page.getByText(words.evidence.none).waitFor()
    assert.deepEqual(await axe(page), [])
    await page.getByRole('button', { name: words.evidence.add }).click()
    await page.locator('input[type="file"]').setInputFiles({ name: '端末のログ.html', mimeType: 'text/html', buffer: CONTENT })
    await page.getByRole('textbox', { name: words.evidence.description }).fill('端末の接続記録')
    await page.getByRole('textbox', { name: words.evidence.seizedWhere }).fill('東京港 計算機室')
    await page.getByRole('textbox', { name: words.evidence.reason }).fill('不正な接続の捜査')
    assert.deepEqual(await faults(), [])
    await shot(page, `evidence-add-${language}`)
    await inDialog().getByRole('button', { name: words.evidence.addNow, exact: true }).click()
    await inDialog().waitFor({ state: 'detached' })
    await page.getByRole('cell', { name: words.evidence.states.kept }).waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `evidence-${language}`)
    await page.getByRole('link', { name: '端末のログ.html' }).click()
    await page.getByText(SHA256).first().waitFor()
    await page.getByText(words.evidence.custodyActs.sealed, { exact: true }).waitFor()
  })

  test(`${language}: it leaves in an archive that shows nothing, and each time is written down`, async () => {
    await page.getByRole('button', { name: words.evidence.download, exact: true }).click()
    await inDialog().getByRole('textbox', { name: words.evidence.reason, exact: true }).fill('解析のため')
    assert.deepEqual(await faults(), [])
    const [taken] = await Promise.all([page.waitForEvent('download'), inDialog().getByRole('button', { name: words.evidence.downloadNow, exact: true }).click()])
    const archive = await readFile(await taken.path())
    assert.equal(archive.subarray(0, 2).toString(), 'PK')
    assert.equal(archive.includes('203.0.113.9'), false, 'the content is not to be read without the password')
    await page.getByText(words.evidence.custodyActs.downloaded, { exact: true }).waitFor()
    await page.getByText('解析のため').waitFor()
  })

  test(`${language}: a hold stands beside its reason and its legal basis`, async () => {
    await page.getByRole('button', { name: words.evidence.act.hold, exact: true }).click()
    await inDialog().getByRole('textbox', { name: words.evidence.reason, exact: true }).fill('公判が終わるまで')
    await inDialog().getByRole('textbox', { name: words.evidence.legalBasis, exact: true }).fill('刑事訴訟法第99条')
    await inDialog().getByRole('button', { name: words.evidence.holdNow, exact: true }).click()
    await page.getByText(words.evidence.holdStands, { exact: true }).waitFor()
    await page.getByText(words.evidence.heldNow).waitFor()
    await page.getByRole('button', { name: words.evidence.moreActs, exact: true }).click()
    await page.getByRole('menuitem', { name: words.evidence.act.offer }).waitFor()
    assert.equal(await page.getByRole('menuitem', { name: words.evidence.act.dispose }).count(), 0, 'what is held is not destroyed')
    await page.keyboard.press('Escape')
    await page.evaluate(() => scrollTo(0, 0))
    assert.deepEqual(await axe(page), [])
    await shot(page, `evidence-item-${language}`)
  })

  test(`${language}: the package for a court is verified by nothing but its files`, async () => {
    await page.getByRole('button', { name: words.evidence.export, exact: true }).click()
    const password = await inDialog().getByRole('textbox', { name: words.evidence.password }).inputValue()
    await inDialog().getByRole('textbox', { name: words.evidence.reason, exact: true }).fill('公判への提出')
    await shot(page, `evidence-export-${language}`)
    const [given] = await Promise.all([page.waitForEvent('download'), inDialog().getByRole('button', { name: words.evidence.exportNow, exact: true }).click()])
    const [file, secret] = [join(folder, `${language}.zip`), join(folder, `${language}.password`)]
    await given.saveAs(file)
    await writeFile(secret, password)
    const verify = (path) => promisify(execFile)(program(), ['log', 'verify', '--package', path, '--password-file', secret])
    await verify(file)
    const bytes = await readFile(file)
    bytes[bytes.indexOf('custody') + 2000] ^= 1
    await writeFile(file, bytes)
    await assert.rejects(verify(file), 'one byte is not what was exported')
  })

  test(`${language}: evidence is asked for on a legal basis`, async () => {
    await page.getByRole('link', { name: words.evidence.evidence, exact: true }).click()
    await page.getByText(words.evidence.noRequests).waitFor()
    await page.getByRole('button', { name: words.evidence.ask, exact: true }).click()
    await choose(words.evidence.asked)
    await page.getByRole('textbox', { name: words.evidence.subject }).fill('11月の接続記録')
    await inDialog().getByRole('textbox', { name: words.evidence.legalBasis }).fill('刑事訴訟法第197条第3項')
    assert.deepEqual(await faults(), [])
    await shot(page, `evidence-ask-${language}`)
    await inDialog().getByRole('button', { name: words.evidence.askNow, exact: true }).click()
    await page.getByText(words.evidence.requestKinds.preserve, { exact: true }).waitFor()
    await page.getByRole('button', { name: words.evidence.answer.withdraw }).waitFor()
    assert.deepEqual(await axe(page), [])
    await page.setViewportSize({ width: 390, height: 844 })
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'nothing is wider than a telephone')
    await shot(page, `evidence-phone-${language}`)
    await page.setViewportSize({ width: 1280, height: 800 })
  })
}

test('nothing was complained of', () => assert.deepEqual(heard, []))
