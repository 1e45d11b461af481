// What keeps power in bounds, against the real program and in both languages: a change of policy with what it does and what is
// proved of it, clearances, emergencies, providers, one's own sessions, and what the public is told. Part of `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, complaints, look, shot, startBrowser, startHub } from './harness.mjs'

const PASSWORD = '方針の櫓から権限を見る 2026'
const PROVER = process.env.YAGURA_PROVER
const CONFIGURATION = `${PROVER === undefined ? '' : `policy_prover = "${PROVER}"\n`}[transparency]\npage = true\n`
const WIDENING = `@id("read-amber-academy") permit (principal, action == Yagura::Action::"read", resource)
when { resource.tlp == Yagura::Tlp::"amber" && principal.organisation_role == Yagura::OrganisationRole::"academy" }
unless { principal is Yagura::Peer };
`
let hub
let browser
let page
let heard

const go = async (path) => {
  await page.goto(hub.address + path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
}

/** Asks the hub as the console does. */
const ask = (path, body) => page.evaluate(async ([where, what]) => {
  const { csrf } = await (await fetch('/api/v1/session')).json()
  const answer = await fetch(where, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Yagura-CSRF': csrf }, body: JSON.stringify(what) })
  return { status: answer.status, body: await answer.json() }
}, [path, body])

before(async () => {
  if (PROVER === undefined) console.error('SKIPPED: what is proved of a proposal needs YAGURA_PROVER')
  hub = await startHub(CONFIGURATION)
  browser = await startBrowser()
  page = await browser.context.newPage()
  heard = complaints(page)
  await page.goto(hub.signIn)
  await page.getByLabel('新しいパスワード').fill(PASSWORD)
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  await page.getByRole('heading', { name: 'あなたを待つもの' }).waitFor()
})
after(async () => {
  await browser?.stop()
  await hub?.stop()
})

test('a proposal tells what it does before anybody decides', async () => {
  const other = await ask('/api/v1/people', { login: 'second', name: '二人目の管理者', organisation: 'coordinator', roles: ['administrator'] })
  assert.ok(other.status < 300, JSON.stringify(other.body))
  const inForce = await page.evaluate(async () => (await fetch('/api/v1/policies')).json())
  const files = [...inForce.files, { name: 'more.cedar', text: WIDENING }]
  const { status, body } = await ask('/api/v1/policy-proposals', { reason: '学術機関にTLP:AMBERを', files })
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(body.findings.tried, 20_000)
  if (PROVER !== undefined) assert.deepEqual([body.findings.proof.within_safety, body.findings.proof.compared], ['proved', 'wider'])
})

for (const [language, words, scheme] of [['ja', ja, 'light'], ['en', en, 'dark']]) {
  describe(language, () => {
    before(() => look(page, language, scheme))

    test('the proposal is read with its proof', async () => {
      await go('/administration/policies')
      await page.getByRole('link', { name: '学術機関にTLP:AMBERを' }).click()
      await page.getByRole('heading', { name: words.policyChange.safety }).waitFor()
      if (PROVER !== undefined) {
        await page.getByText(words.policyChange.compared.wider).waitFor()
        await page.getByText(words.policyChange.neverFails).waitFor()
      }
      assert.deepEqual(await axe(page), [])
      await page.setViewportSize({ width: 1280, height: 1500 })
      await shot(page, `proposal-${language}`)
      await page.setViewportSize({ width: 1280, height: 800 })
    })

    for (const part of ['clearances', 'emergencies', 'providers', 'people', 'tokens']) {
      test(`${part} are there`, async () => {
        await go(`/administration/${part}`)
        assert.equal(new URL(page.url()).pathname, `/administration/${part}`)
        assert.deepEqual(await axe(page), [])
        await shot(page, `administration-${part}-${language}`)
      })
    }

    test('what is one’s own', async () => {
      await go('/me')
      assert.deepEqual(await axe(page), [])
      await page.setViewportSize({ width: 390, height: 844 })
      await shot(page, `me-narrow-${language}`)
      await page.setViewportSize({ width: 1280, height: 800 })
    })

    test('what the public is told needs no sign-in and no script', async () => {
      const { context } = browser
      const stranger = await context.browser()?.newContext({ javaScriptEnabled: false }) ?? context
      const told = await stranger.newPage()
      await told.goto(`${hub.address}/transparency?lang=${language}`)
      await told.getByRole('heading', { level: 1 }).waitFor()
      assert.equal(await told.locator('html').getAttribute('lang'), language)
      assert.equal(await told.locator('script').count(), 0)
      await shot(told, `transparency-${language}`)
      await told.close()
    })
  })
}

test('the console complained of nothing', () => {
  assert.deepEqual(heard, [])
})
