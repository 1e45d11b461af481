// Asking for release, and recalling, as people do it against the real program: part of `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, complaints, eventually, everyFace, look, shot, startBrowser, startDemo } from './harness.mjs'

const PASSWORD = '見張りの櫓から港を見る 2026'
let demo
let browser
let page
let heard
let organisation
let operator

const ask = (method, path, body) => page.evaluate(async ([how, address, content]) => {
  const session = await (await fetch('/api/v1/session')).json()
  const answer = await fetch(address, {
    method: how,
    headers: { 'Content-Type': 'application/json', 'X-Yagura-CSRF': session.csrf },
    ...(content === undefined ? {} : { body: JSON.stringify(content) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
}, [method, path, body])
/** As a program of another organisation's, from outside of the page. */
const asProgram = async (token, path, body) => {
  const answer = await fetch(demo.address.replace('localhost', '127.0.0.1') + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: await answer.json() }
}
const go = async (path) => {
  await page.goto(demo.address + path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
}
const AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
const indicator = (name) => ({
  type: 'indicator', spec_version: '2.1', id: `indicator--${crypto.randomUUID()}`, created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-01T00:00:00.000Z', name, pattern: "[ipv4-addr:value = '203.0.113.9']", pattern_type: 'stix',
  valid_from: '2026-01-01T00:00:00Z', object_marking_refs: [AMBER],
})

before(async () => {
  demo = await startDemo()
  browser = await startBrowser()
  page = await browser.context.newPage()
  heard = complaints(page)
  await page.goto(demo.signIn)
  await page.getByLabel('新しいパスワード').fill(PASSWORD)
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  await page.getByRole('heading', { name: 'あなたを待つもの' }).waitFor()
  organisation = (await ask('GET', '/api/v1/session')).body.organisation.id
  operator = (await ask('GET', '/api/v1/organisations')).body.find((one) => one.role === 'operator').id
})
after(async () => {
  await browser?.stop()
  await demo?.stop()
})

const token = async () => {
  const issued = await ask('POST', '/api/v1/tokens', { organisation: operator, roles: ['analyst', 'duty_officer'], name: 'e2e' })
  assert.equal(issued.status, 200, JSON.stringify(issued.body))
  return issued.body.token
}

for (const [language, words] of [['ja', ja], ['en', en]]) {
  test(`${language}: release of what another organisation brought in is requested on its page, and stands in the list`, async () => {
    await look(page, language, language === 'ja' ? 'light' : 'dark')
    const theirs = indicator(`隣の事業者の指標 ${language}`)
    const program = await token()
    assert.equal((await asProgram(program, '/api/v1/objects', theirs)).status, 200)
    await go(`/intelligence/${theirs.id}`)
    // With the keyboard alone, as far as the dialog.
    await page.getByRole('button', { name: words.object.more }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: words.sharing.requestRelease }).waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `object-menu-${language}`)
    await page.getByRole('menuitem', { name: words.sharing.requestRelease }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    const reason = `同じ通信を観測しており、提携先に示したいためです。(${language})`
    await dialog.getByLabel(words.sharing.reason).fill(reason)
    assert.deepEqual(await axe(page), [])
    await shot(page, `request-release-${language}`)
    await dialog.getByRole('button', { name: words.sharing.sendRequest }).click()
    await page.getByText(words.sharing.requestSent).waitFor()
    const { body } = await asProgram(program, '/api/v1/release-requests')
    const asked = body.requests.find((request) => request.object === theirs.id)
    assert.deepEqual([asked.reason, asked.to_answer, asked.asker], [reason, true, organisation])
    const answered = await asProgram(program, `/api/v1/release-requests/${asked.id}/answer`, { answer: 'offer', text: `要約であれば提供できます。(${language})` })
    assert.equal(answered.status, 200, JSON.stringify(answered.body))
    await go('/sharing/requests')
    await page.getByText(`要約であれば提供できます。(${language})`).waitFor()
    await page.getByText(words.requests.offered, { exact: true }).first().waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `requests-${language}`)
  })

  test(`${language}: what was given out is recalled, and its recipient acknowledges`, async () => {
    await look(page, language, language === 'ja' ? 'dark' : 'light')
    const ours = indicator(`誤って登録した指標 ${language}`)
    const program = await token()
    assert.equal((await ask('POST', '/api/v1/objects', ours)).status, 200)
    assert.equal((await asProgram(program, `/api/v1/objects/${ours.id}`)).status, 200)
    await go(`/intelligence/${ours.id}`)
    await page.getByRole('tab', { name: words.sharing.givenToTab }).click()
    await page.getByRole('table').getByRole('row').nth(1).waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `given-to-${language}`)
    await page.getByRole('button', { name: words.object.more }).click()
    await page.getByRole('menuitem', { name: words.sharing.recall, exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(language === 'ja' ? /提供先 [1-9]\d* 組織/u : /Given to [1-9]\d* organisation/u).waitFor()
    await dialog.getByLabel(words.sharing.reason).fill('誤った値でした。')
    assert.deepEqual(await axe(page), [])
    await shot(page, `recall-${language}`)
    await dialog.getByRole('button', { name: words.sharing.doRecall }).click()
    await page.getByText(language === 'ja' ? /^回収しました/u : /^Recalled;/u).waitFor()
    assert.equal((await asProgram(program, `/api/v1/objects/${ours.id}`)).status, 404)
    const pending = (await asProgram(program, '/api/v1/recalls?pending=true')).body.recalls.filter((recall) => recall.object === ours.id)
    assert.deepEqual(pending.map((recall) => recall.reason), ['誤った値でした。'])
    await go('/sharing/recalls')
    const row = page.getByRole('listitem').filter({ hasText: ours.name })
    await row.getByText(words.sharing.waiting).first().waitFor()
    assert.equal((await asProgram(program, `/api/v1/recalls/${pending[0].id}/acknowledge`, {})).status, 200)
    await eventually(async () => {
      await page.reload()
      await row.waitFor()
      return (await row.getByText(words.sharing.waiting).count()) === 0
    }, 'an acknowledgement with its time')
    assert.deepEqual(await axe(page), [])
    await shot(page, `recalls-${language}`)
  })
}

test('publishing, a freer marking and a recall ask for a fresh proof where the sign-in is old, and go on', async () => {
  await look(page, 'ja', 'light')
  const refusal = JSON.stringify({ type: 'about:blank', title: 'prove again who you are', status: 403, code: 'fresh-proof-needed' })
  /** The hub says so once the sign-in is old; here it says so until somebody signs in again. */
  const proves = async (address, act) => {
    let isOld = true
    await page.route(address, (route) => (isOld && route.request().method() === 'POST'
      ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: refusal })
      : route.fallback()))
    await act()
    const dialog = page.getByRole('dialog', { name: ja.prove.title })
    await dialog.waitFor()
    assert.deepEqual(await axe(page), [])
    isOld = false
    await dialog.getByLabel(ja.signIn.password, { exact: true }).fill(PASSWORD)
    await dialog.getByRole('button', { name: ja.prove.submit }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.unroute(address)
  }
  const ours = indicator('本人確認を要する指標')
  await go('/intelligence/publish')
  await page.getByLabel(ja.publish.paste).fill(JSON.stringify(ours))
  const send = page.getByRole('button', { name: ja.publish.send.replace('{{text}}', '1'), exact: true })
  await proves('**/api/v1/objects*', () => send.click())
  await page.getByRole('link', { name: ja.publish.toList }).waitFor()
  assert.equal((await ask('GET', `/api/v1/objects/${ours.id}`)).status, 200)

  await go(`/intelligence/${ours.id}`)
  const open = async (name) => {
    await page.getByRole('button', { name: ja.object.more }).click()
    await page.getByRole('menuitem', { name, exact: true }).click()
    const dialog = page.getByRole('dialog', { name, exact: true })
    await dialog.getByLabel(ja.sharing.reason).fill('公開情報になりました。')
    return dialog
  }
  const marking = await open(ja.sharing.changeMarking)
  await marking.getByRole('combobox').or(marking.getByRole('textbox', { name: ja.sharing.newLevel })).first().click()
  await page.getByRole('option', { name: 'TLP:GREEN', exact: true }).click()
  await proves(`**/api/v1/objects/${ours.id}/marking`, () => marking.getByRole('button', { name: ja.sharing.changeMarking }).click())
  await page.getByText(ja.sharing.wideningProposed).first().waitFor()

  const recall = await open(ja.sharing.recall)
  await proves('**/api/v1/recalls', () => recall.getByRole('button', { name: ja.sharing.doRecall }).click())
  await eventually(async () => (await ask('GET', `/api/v1/recalls?object=${ours.id}`)).body.recalls.length === 1, 'the recall')
})

test('every screen of sharing in both languages, light and dark, at three sizes: nothing overflows, axe finds nothing', async () => {
  const parts = ['inbox', 'requests', 'recalls', 'agreements', 'groups', 'questions', 'contributions', 'released', 'anonymous']
  const screens = Object.fromEntries(parts.map((part) => [`sharing-${part}`, `/sharing/${part}`]))
  assert.deepEqual(await everyFace(page, go, screens), [])
  assert.deepEqual(heard, [])
})
