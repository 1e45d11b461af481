// Two organisations, two browsers: an agreement is drafted, signed by both, and gives; what is published is seen beforehand by whom.
// In both languages, against the real program: part of `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, complaints, eventually, everyFace, look, shot, startBrowser, startDemo } from './harness.mjs'

const PASSWORD = '見張りの櫓から港を見る 2026'
const WORDS = { ja, en }
const fill = (text, places) => text.replace(/\{\{(\w+)\}\}/gu, (_, name) => places[name])
let demo
const sides = {}

/** A person of an organisation, in a browser of its own. */
async function join(name, signIn) {
  const browser = await startBrowser()
  const page = await browser.context.newPage()
  const heard = complaints(page)
  await page.goto(signIn)
  await page.getByLabel(ja.credential.newPassword ?? '新しいパスワード').fill(PASSWORD)
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  await page.getByRole('heading', { name: 'あなたを待つもの' }).waitFor()
  const ask = (method, path, body) => page.evaluate(async ([how, address, content]) => {
    const session = await (await fetch('/api/v1/session')).json()
    const answer = await fetch(address, { method: how, headers: { 'Content-Type': 'application/json', 'X-Yagura-CSRF': session.csrf }, ...(content === undefined ? {} : { body: JSON.stringify(content) }) })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }, [method, path, body])
  const go = async (path) => {
    await page.goto(demo.address + path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
  }
  const { organisation } = (await ask('GET', '/api/v1/session')).body
  sides[name] = { browser, page, heard, ask, go, organisation }
}

/** What the page says at its foot was done. */
const said = (page, text) => page.getByRole('status').getByText(text, { exact: true }).first().waitFor()

/** Chooses from a list that opens under a field, with the keyboard. */
async function choose(page, field, option) {
  await field.focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('option', { name: option, exact: true }).click()
  await page.keyboard.press('Escape')
}

before(async () => {
  demo = await startDemo()
  await join('council', demo.signIn)
  const { ask } = sides.council
  const person = await ask('POST', '/api/v1/people', { login: 'aurora', name: 'Ada Aurora', organisation: 'aurora-cert', roles: ['analyst', 'approver'] })
  assert.equal(person.status, 200, JSON.stringify(person.body))
  await join('partner', person.body.sign_in.replace('//127.0.0.1:', '//localhost:'))
})
after(async () => {
  for (const side of Object.values(sides)) await side.browser.stop()
  await demo?.stop()
})

const indicator = (name, rest = {}) => ({
  type: 'indicator', spec_version: '2.1', id: `indicator--${crypto.randomUUID()}`, created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z',
  name, pattern: "[ipv4-addr:value = '203.0.113.9']", pattern_type: 'stix', valid_from: '2026-01-01T00:00:00Z', ...rest,
})
const AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'

for (const language of ['ja', 'en']) {
  const words = WORDS[language]
  const own = language === 'ja' ? 'name_ja' : 'name_en'

  test(`${language}: an agreement is drafted as a text, signed by both parties, and gives; suspended, it gives no more`, async () => {
    const { council, partner } = sides
    for (const side of [council, partner]) await look(side.page, language, language === 'ja' ? 'light' : 'dark')
    const secret = indicator(`合意で渡る指標 ${language}`, { object_marking_refs: [AMBER] })
    assert.equal((await council.ask('POST', '/api/v1/objects', secret)).status, 200)
    const seen = async () => (await partner.ask('GET', `/api/v1/objects/${secret.id}`)).status
    if (language === 'en') {
      // What the first round agreed still gives; it rests, so that this one is seen to give by itself.
      const { body: first } = await partner.ask('GET', '/api/v1/agreements/aurora-ja')
      assert.equal((await partner.ask('POST', '/api/v1/agreements/aurora-ja/side', { state: 'suspended', hash: first.hash, reason: 'x' })).status, 200)
    }
    assert.equal(await seen(), 404)

    // Drafted: the text stands beside the form and says what was chosen.
    await council.go('/sharing/agreements')
    await council.page.getByRole('link', { name: words.agreements.draft }).first().click()
    const form = council.page
    await form.getByLabel(words.agreements.titleJa).fill('オーロラCERTとの情報提供に関する合意')
    await form.getByLabel(words.agreements.titleEn).fill('Agreement with Aurora CERT on giving information')
    await form.getByLabel(words.administration.shortName).fill(`aurora-${language}`)
    const aurora = sides.partner.organisation[own]
    const field = (label) => form.getByRole('combobox', { name: label }).or(form.getByRole('textbox', { name: label })).first()
    await choose(form, field(words.agreements.parties), aurora)
    await form.getByLabel(words.agreements.firstDay).fill('2026-04-01')
    await form.getByLabel(words.agreements.lastDay).fill('2036-03-31')
    const members = fill(words.agreements.members, { name: council.organisation[own] })
    await choose(form, field(words.agreements.giver), members)
    await choose(form, field(words.agreements.receiver), aurora)
    const text = form.getByRole('article', { name: words.agreements.text })
    await text.getByText(fill(words.agreements.termText, { number: 1, from: members, to: aurora })).waitFor()
    await text.getByText('2036-04-01 00:00:00 JST').waitFor()
    assert.deepEqual(await axe(form), [])
    await shot(form, `agreement-draft-${language}`)
    await form.getByRole('button', { name: words.agreements.saveDraft }).click()
    await form.waitForURL(/\/sharing\/agreements\/aurora-/u)

    // It waits for both; the partner reads it in its inbox and on its board.
    await partner.go('/')
    await partner.page.getByRole('link', { name: new RegExp(language === 'ja' ? words.duties.agreements : 'agreements? to sign', 'u') }).click()
    await partner.page.getByText(words.agreements.waitsForUs).first().waitFor()
    await shot(partner.page, `agreements-waiting-${language}`)
    await partner.go('/sharing/inbox')
    await partner.page.getByRole('link', { name: words.notices['agreement-drafted'] }).first().click()
    await partner.page.getByRole('article', { name: words.agreements.text }).waitFor()
    assert.deepEqual(await axe(partner.page), [])
    await shot(partner.page, `agreement-unsigned-${language}`)

    const sign = async (side) => {
      const button = side.page.getByRole('button', { name: words.agreements.steps.signed, exact: true })
      await button.focus()
      await side.page.keyboard.press('Enter')
      const dialog = side.page.getByRole('dialog')
      const { body } = await side.ask('GET', `/api/v1/agreements/aurora-${language}`)
      await dialog.getByText(body.hash).waitFor()
      assert.deepEqual(await axe(side.page), [])
      await shot(side.page, `agreement-sign-${language}`)
      await dialog.getByRole('button', { name: words.agreements.steps.signed, exact: true }).click()
      await said(side.page, words.agreements.done.signed)
    }
    await sign(partner)
    assert.equal(await seen(), 404, 'one of two has signed')
    await council.page.getByRole('heading', { level: 1 }).waitFor()
    await sign(council)
    await council.page.getByText(words.agreements.standing['in-force']).first().waitFor()
    assert.equal(await seen(), 200)
    await shot(council.page, `agreement-signed-${language}`)

    // The partner stops it and says why; the council reads it, without loading the page again.
    await partner.go(`/sharing/agreements/aurora-${language}`)
    await partner.page.getByRole('button', { name: words.agreements.steps.suspended }).click()
    const dialog = partner.page.getByRole('dialog')
    await dialog.getByLabel(words.sharing.reason).fill('点検 inspection')
    await dialog.getByRole('button', { name: words.agreements.steps.suspended }).click()
    await said(partner.page, words.agreements.done.suspended)
    assert.equal(await seen(), 404)
    await council.page.getByText('点検 inspection').waitFor()
    assert.deepEqual(await axe(council.page), [])
    await shot(council.page, `agreement-suspended-${language}`)
    await partner.page.getByRole('button', { name: words.agreements.steps.resumed }).click()
    await partner.page.getByRole('dialog').getByRole('button', { name: words.agreements.steps.resumed }).click()
    await said(partner.page, words.agreements.done.resumed)
    assert.equal(await seen(), 200)
  })

  test(`${language}: what is published is seen beforehand by whom and why, and the preview changes with the marking`, async () => {
    const { council, partner } = sides
    const { page, go, ask } = council
    await look(page, language, language === 'ja' ? 'dark' : 'light')
    const group = await ask('POST', '/api/v1/sharing-groups', { name_ja: `電力 ${language}`, name_en: `Power ${language}`, members: [] })
    const bare = indicator(`標識のない指標 ${language}`)
    const broken = { ...indicator('x'), modified: 'yesterday' }
    await go('/intelligence')
    // Click one.
    await page.getByRole('link', { name: words.publish.open, exact: true }).click()
    await page.getByText(words.publish.nothingYet).waitFor()
    await page.getByLabel(words.publish.paste).fill(JSON.stringify([bare, broken]))
    await page.getByText(words.audienceOf.nobody).waitFor()
    await page.getByText(fill(words.publish[language === 'en' ? 'wouldBeRefused_one' : 'wouldBeRefused'], { count: 1 })).waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `publish-unmarked-${language}`)
    const audience = page.getByRole('region', { name: words.publish.audience })
    const level = async (name) => {
      await page.getByRole('combobox', { name: 'TLP' }).or(page.getByRole('textbox', { name: 'TLP' })).first().click()
      await page.getByRole('option', { name, exact: true }).click()
    }
    const count = (await ask('GET', '/api/v1/organisations')).body.length
    await level('TLP:AMBER')
    const aurora = sides.partner.organisation[own]
    await audience.getByText(aurora).first().waitFor()
    // The partner sees it by the agreement alone, and the preview says by which and by which term of it.
    await audience.getByRole('link', { name: language === 'ja' ? 'オーロラCERTとの情報提供に関する合意' : 'Agreement with Aurora CERT on giving information' }).first().waitFor()
    await audience.getByText('read-under-agreement').waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `publish-amber-${language}`)
    // Limited to a group of which we are the only member: nobody.
    const groups = page.getByRole('combobox', { name: words.publish.groups }).or(page.getByRole('textbox', { name: words.publish.groups })).first()
    await choose(page, groups, language === 'ja' ? `電力 ${language}` : `Power ${language}`)
    await page.getByText(words.audienceOf.nobody).waitFor()
    await shot(page, `publish-group-${language}`)
    await groups.focus()
    await page.keyboard.press('Backspace')
    await audience.getByText('read-under-agreement').waitFor()
    // Click three: the level was the second.
    await page.getByRole('button', { name: fill(words.publish.send, { text: '1' }), exact: true }).click()
    await page.getByText(fill(words.publish.done, { accepted: '1', duplicates: '0', refused: '1' })).waitFor()
    assert.equal((await partner.ask('GET', `/api/v1/objects/${bare.id}`)).status, 200, 'as previewed')

    // On its page the drawer says the same, and why for each organisation.
    await go(`/intelligence/${bare.id}`)
    await page.getByRole('button', { name: words.object.whoSees }).click()
    const drawer = page.getByRole('dialog', { name: words.object.whoSees })
    const ask1 = drawer.getByRole('button', { name: aurora })
    await ask1.focus()
    await page.keyboard.press('Enter')
    await drawer.getByText(words.audienceOf.may, { exact: true }).waitFor()
    const { readers } = (await ask('GET', `/api/v1/objects/${bare.id}/audience`)).body
    assert.equal(await drawer.getByRole('listitem').count(), count - 1, 'every organisation but our own, whether it may or not')
    assert.ok(readers.length < count)
    assert.deepEqual(await axe(page), [])
    await shot(page, `who-sees-${language}`)
    const denied = (await ask('GET', '/api/v1/organisations')).body.find((one) => !readers.some((reader) => reader.organisation === one.id))
    await drawer.getByRole('button', { name: denied[own] }).click()
    await drawer.getByText(words.audienceOf.mayNot, { exact: true }).waitFor()
    await shot(page, `who-sees-not-${language}`)
    assert.equal(group.status, 200)
  })
}

test('a group is made, an organisation taken in and let go, and its marking copied', async () => {
  const { page, go, ask } = sides.council
  await look(page, 'ja', 'light')
  await go('/sharing/groups')
  await page.getByRole('button', { name: ja.groups.make }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(ja.administration.nameJa).fill('港湾の有志')
  await dialog.getByLabel(ja.administration.nameEn).fill('Ports')
  assert.deepEqual(await axe(page), [])
  await shot(page, 'group-make')
  await dialog.getByRole('button', { name: ja.groups.make }).click()
  const row = page.getByRole('listitem').filter({ hasText: '港湾の有志' }).first()
  await row.waitFor()
  await row.getByRole('combobox').or(row.getByRole('textbox')).first().click()
  await page.getByRole('option', { name: sides.partner.organisation.name_ja, exact: true }).click()
  const groups = async () => (await ask('GET', '/api/v1/sharing-groups')).body.groups.find((one) => one.name_en === 'Ports')
  await eventually(async () => (await groups()).members.includes('aurora-cert'), 'the partner in the group')
  assert.deepEqual(await axe(page), [])
  await shot(page, 'groups')
  await row.getByRole('button', { name: fill(ja.groups.remove, { name: sides.partner.organisation.name_ja }) }).click()
  await dialog.getByRole('button', { name: ja.groups.removeAct, exact: true }).click()
  await eventually(async () => !(await groups()).members.includes('aurora-cert'), 'the partner gone')
  await sides.council.browser.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await row.getByRole('button', { name: ja.groups.copyMarking }).click()
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), (await groups()).marking)
})

test('a signature that needs a fresh proof asks for it, and goes on', async () => {
  const { page, go, ask } = sides.partner
  await look(page, 'ja', 'light')
  const { body: agreement } = await ask('GET', '/api/v1/agreements/aurora-ja')
  await go('/sharing/agreements/aurora-ja')
  const address = '**/api/v1/agreements/aurora-ja/side'
  let isOld = true
  await page.route(address, (route) => (isOld
    ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'prove again who you are', status: 403, code: 'fresh-proof-needed' }) })
    : route.fallback()))
  await page.getByRole('button', { name: ja.agreements.steps.ended }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(ja.sharing.reason).fill('期間の見直し')
  await dialog.getByRole('button', { name: ja.agreements.steps.ended }).click()
  await dialog.getByRole('heading', { name: ja.prove.title }).waitFor()
  isOld = false
  await dialog.getByLabel(ja.signIn.password, { exact: true }).fill(PASSWORD)
  await dialog.getByRole('button', { name: ja.prove.submit }).click()
  await said(page, ja.agreements.done.ended)
  await page.unroute(address)
  const { body: now } = await ask('GET', '/api/v1/agreements/aurora-ja')
  assert.deepEqual([now.history[0].state, now.history[0].reason, now.hash, now.may], ['ended', '期間の見直し', agreement.hash, []])
})

test('every screen of agreements, groups and publishing in both languages, light and dark, at three sizes: nothing overflows, axe finds nothing', async () => {
  const { page, go } = sides.council
  const screens = { agreements: '/sharing/agreements', agreement: '/sharing/agreements/aurora-en', 'agreement-new': '/sharing/agreements/new', groups: '/sharing/groups', publish: '/intelligence/publish' }
  const prepare = async (name, language) => {
    if (name !== 'publish') return
    await page.getByLabel(WORDS[language].publish.paste).fill(JSON.stringify([indicator('a', { object_marking_refs: [AMBER] }), indicator('b')]))
    await page.getByText('read-amber').first().waitFor()
  }
  assert.deepEqual(await everyFace(page, go, screens, prepare), [])
})

test('no page complained', () => assert.deepEqual(Object.values(sides).flatMap((side) => side.heard), []))
