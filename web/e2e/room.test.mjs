// A case room as people use it against the real program: part of `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, complaints, look, shot, startBrowser, startDemo } from './harness.mjs'

const PASSWORD = '事案の部屋で夜を明かす 2026'
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

/** Opens a case by hand and goes into its room. */
const openRoom = async (words, title) => {
  await go('/cases')
  await page.getByRole('button', { name: words.cases.new }).click()
  await page.getByRole('textbox', { name: words.cases.title }).fill(title)
  await page.getByRole('button', { name: words.cases.open, exact: true }).click()
  await page.getByRole('link', { name: words.room.enter }).click()
  await page.getByText(words.room.empty).waitFor()
}

for (const [language, words] of [['ja', ja], ['en', en]]) {
  test(`${language}: a note stays in the side room until it is published`, async () => {
    await look(page, language, language === 'ja' ? 'light' : 'dark')
    await openRoom(words, `浄水場の異常 (${language})`)
    const note = page.getByRole('textbox', { name: words.cases.note })
    await note.fill('遠隔監視の端末に見慣れない接続があった。')
    await page.getByRole('button', { name: words.room.write.side }).click()
    await page.locator('[data-scope="side"]', { hasText: '見慣れない接続' }).waitFor()
    await page.getByRole('button', { name: words.room.publish, exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: words.room.publishNow }).click()
    await page.locator('[data-scope="room"]', { hasText: '見慣れない接続' }).waitFor()
    assert.deepEqual(await axe(page), [])
  })

  test(`${language}: command, a task, a decision and a severity are set from the room`, async () => {
    await page.getByRole('button', { name: words.room.takeCommand }).click()
    await page.getByRole('button', { name: words.room.act.period }).waitFor()
    await page.getByRole('button', { name: words.room.offerTask }).click()
    await page.getByRole('textbox', { name: words.room.taskTitle }).fill('通信記録の保全')
    await page.getByRole('combobox', { name: words.room.taskTo }).or(page.getByRole('textbox', { name: words.room.taskTo })).first().click()
    await page.getByRole('option').first().click()
    await page.getByRole('button', { name: words.room.offer, exact: true }).click()
    await page.getByRole('button', { name: words.room.answer['task-accepted'] }).waitFor()
    await page.getByRole('button', { name: words.room.decide }).click()
    await page.getByRole('textbox', { name: words.room.question }).fill('取水を止めるか')
    await page.getByRole('textbox', { name: words.room.options }).fill('止める\n止めない')
    await page.getByRole('combobox', { name: words.room.chosen }).or(page.getByRole('textbox', { name: words.room.chosen })).first().click()
    await page.getByRole('option', { name: '止める', exact: true }).click()
    await page.getByRole('textbox', { name: words.room.reason }).fill('水質に影響が出る前に')
    await page.getByRole('button', { name: words.room.decideNow, exact: true }).click()
    await page.getByText('✓ 止める').waitFor()
    await page.getByRole('button', { name: words.room.declare, exact: true }).click()
    await page.getByRole('radio', { name: /3/u }).check()
    await page.getByText(words.room.callsIn).waitFor()
    await page.getByRole('textbox', { name: words.room.reason }).fill('給水に影響が見込まれる')
    // What the dialog covers by half cannot be pressed while it is open, and is no small target.
    assert.deepEqual((await axe(page)).filter((found) => !found.includes('partially obscured')), [])
    await shot(page, `room-declare-${language}`)
    await page.getByRole('button', { name: words.room.declareNow, exact: true }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('給水に影響が見込まれる').first().waitFor()
    // From the top: what is half under the bar is too small a target only while it is there.
    await page.evaluate(() => scrollTo(0, 0))
    assert.deepEqual(await axe(page), [])
    await shot(page, `room-${language}`)
    await page.setViewportSize({ width: 390, height: 844 })
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'nothing is wider than a telephone')
    await page.evaluate(() => scrollTo(0, 0))
    await shot(page, `room-phone-${language}`)
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  test(`${language}: cases are merged, shown side by side and parted again`, async () => {
    const here = page.url()
    await openRoom(words, `もう一件 (${language})`)
    await page.getByRole('button', { name: words.room.merge, exact: true }).click()
    await page.getByRole('combobox', { name: words.room.otherCase }).or(page.getByRole('textbox', { name: words.room.otherCase })).first().click()
    await page.getByRole('option', { name: `浄水場の異常 (${language})` }).click()
    await page.getByRole('textbox', { name: words.room.reason }).fill('同じ接続元')
    await page.getByRole('button', { name: words.room.mergeNow, exact: true }).click()
    await page.getByRole('link', { name: words.room.campaign }).click()
    await page.getByRole('columnheader', { name: words.room.column.commander }).waitFor()
    assert.equal(await page.getByRole('row').count(), 3)
    assert.deepEqual(await axe(page), [])
    await shot(page, `room-campaign-${language}`)
    await page.goBack()
    await page.getByRole('button', { name: words.room.unmerge }).click()
    await page.getByText(words.room.notJoined).waitFor()
    await page.goto(`${here.replace(/\/room$/u, '')}/brief`)
    await page.getByText('通信記録の保全').first().waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `room-brief-${language}`)
  })
}

test('an open room updates itself', async () => {
  await openRoom(en, 'Two windows')
  const other = await browser.context.newPage()
  await other.goto(page.url())
  await other.getByText(en.room.empty).waitFor()
  await page.getByRole('textbox', { name: en.cases.note }).fill('seen without a reload')
  await page.getByRole('button', { name: en.room.write.side }).click()
  await other.getByText('seen without a reload').waitFor()
  await other.close()
})

test('two windows type in one situation report, also while one of them is cut off', async () => {
  await openRoom(en, 'Typed together')
  const title = en.room.report.title.replace('{{number}}', '1')
  const mine = page.getByRole('textbox', { name: title })
  const other = await browser.context.newPage()
  await other.goto(page.url())
  const theirs = other.getByRole('textbox', { name: title })
  await theirs.waitFor()
  await mine.fill('Intake is shut. ')
  await other.waitForFunction((name) => document.querySelector(`textarea[aria-label="${name}"]`)?.value === 'Intake is shut. ', title)
  await page.getByText(en.room.report.saved).waitFor()
  // While the other one cannot reach the hub, both go on.
  await other.route('**/api/v1/cases/*/room*', (route) => route.abort())
  await theirs.press('End')
  await theirs.pressSequentially('Police are there.')
  await other.getByText(en.room.report.kept).waitFor()
  await mine.press('Home')
  await mine.pressSequentially('1. ')
  await page.getByText(en.room.report.saved).waitFor()
  await other.unroute('**/api/v1/cases/*/room*')
  const whole = '1. Intake is shut. Police are there.'
  for (const window of [page, other]) await window.waitForFunction(([name, text]) => document.querySelector(`textarea[aria-label="${name}"]`)?.value === text, [title, whole], { timeout: 60_000 })
  await page.getByRole('button', { name: en.room.report.giveOut, exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: en.room.report.giveOutNow, exact: true }).click()
  await page.getByText(en.room.says.reported.replace('{{number}}', '1')).first().waitFor()
  await page.getByRole('button', { name: en.room.report.next }).waitFor()
  assert.deepEqual(await axe(page), [])
  await shot(page, 'room-report')
  await other.close()
})

for (const [language, words] of [['ja', ja], ['en', en]]) {
  test(`${language}: what is typed becomes an indicator, and cases that share it are alike`, async () => {
    await look(page, language, 'light')
    const value = `c2-${language}[.]example[.]org`
    for (const title of [`一件目 (${language})`, `二件目 (${language})`]) {
      await openRoom(words, title)
      await page.getByRole('textbox', { name: words.cases.note }).fill(`端末が${value}へ接続した。`)
      const chip = page.getByRole('button', { name: new RegExp(`c2-${language}`, 'u') })
      await chip.click()
      await page.locator('[data-wish]', { hasText: `c2-${language}` }).waitFor()
      assert.deepEqual(await axe(page), [])
      await page.getByText(words.room.scope.room, { exact: true }).click()
      await page.getByRole('button', { name: words.room.write.room }).click()
      await page.getByText((words.room.things.linked_one ?? words.room.things.linked).replace('{{count}}', '1')).first().waitFor()
    }
    await page.reload()
    await page.getByRole('link', { name: new RegExp(`一件目 \\(${language}\\)`, 'u') }).waitFor()
    await shot(page, `room-similar-${language}`)
    assert.deepEqual(await axe(page), [])
  })
}

test('nothing was complained of', () => assert.deepEqual(heard, []))
