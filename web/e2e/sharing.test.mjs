// Asking for release, and recalling, as people do it against the real program: part of `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { axe, complaints, eventually, look, shot, startBrowser, startDemo } from './harness.mjs'

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

test('release of what another organisation brought in is requested on its page, and stands in the list', async () => {
  const theirs = indicator('隣の事業者の指標')
  const program = await token()
  assert.equal((await asProgram(program, '/api/v1/objects', theirs)).status, 200)
  await go(`/intelligence/${theirs.id}`)
  await page.getByRole('button', { name: '開示を依頼' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('理由').fill('同じ通信を観測しており、提携先に示したいためです。')
  assert.deepEqual(await axe(page), [])
  await shot(page, 'request-release')
  await dialog.getByRole('button', { name: '依頼を送る' }).click()
  await page.getByText('依頼を送りました').waitFor()
  const { body } = await asProgram(program, '/api/v1/release-requests')
  assert.deepEqual([body.requests[0].object, body.requests[0].to_answer, body.requests[0].asker], [theirs.id, true, organisation])
  const answered = await asProgram(program, `/api/v1/release-requests/${body.requests[0].id}/answer`, { answer: 'offer', text: '要約であれば提供できます。' })
  assert.equal(answered.status, 200, JSON.stringify(answered.body))
  await go('/sharing/requests')
  await page.getByText('要約であれば提供できます。').waitFor()
  await page.getByText('別の提案', { exact: true }).waitFor()
  assert.deepEqual(await axe(page), [])
  await shot(page, 'requests')
})

test('what was given out is recalled, and its recipient acknowledges', async () => {
  const ours = indicator('誤って登録した指標')
  const program = await token()
  assert.equal((await ask('POST', '/api/v1/objects', ours)).status, 200)
  assert.equal((await asProgram(program, `/api/v1/objects/${ours.id}`)).status, 200)
  await go(`/intelligence/${ours.id}`)
  await page.getByRole('tab', { name: '提供先' }).click()
  await page.getByRole('table').getByRole('row').nth(1).waitFor()
  await shot(page, 'given-to')
  await page.getByRole('button', { name: '回収', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText(/提供先 [1-9]\d* 組織/u).waitFor()
  await dialog.getByLabel('理由').fill('誤った値でした。')
  assert.deepEqual(await axe(page), [])
  await shot(page, 'recall')
  await dialog.getByRole('button', { name: '回収する' }).click()
  await page.getByText(/^回収しました/u).waitFor()
  assert.equal((await asProgram(program, `/api/v1/objects/${ours.id}`)).status, 404)
  const pending = (await asProgram(program, '/api/v1/recalls?pending=true')).body.recalls
  assert.deepEqual(pending.map((recall) => [recall.object, recall.reason]), [[ours.id, '誤った値でした。']])
  assert.equal((await asProgram(program, `/api/v1/recalls/${pending[0].id}/acknowledge`, {})).status, 200)
  await go('/sharing/recalls')
  await eventually(async () => (await page.getByRole('row', { name: /前|秒/u }).count()) > 0, 'an acknowledgement with its time')
  assert.deepEqual(await axe(page), [])
  await shot(page, 'recalls')
})

test('every screen of sharing is there in both languages', async () => {
  for (const language of ['ja', 'en']) {
    await look(page, language, language === 'ja' ? 'light' : 'dark')
    for (const part of ['inbox', 'requests', 'recalls', 'questions', 'contributions', 'released', 'anonymous']) {
      await go(`/sharing/${part}`)
      assert.deepEqual(await axe(page), [], `${part} ${language}`)
      await shot(page, `sharing-${part}-${language}`)
    }
  }
  assert.deepEqual(heard, [])
})
