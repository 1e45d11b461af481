// The life of an authorisation, with a passkey for each commissioner, in both languages: the commission is constituted, takes its frame
// into force, an agency asks, two grant, an edge uses it and signs, the operator inspects the proof, it is stopped, ended, refused after.
// Against the real program: part of `npm run e2e`.
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { after, before, describe, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, complaints, eventually, everySize, shot, sizesOf, startHub, startShared } from './harness.mjs'

const PASSWORD = '見張りの櫓から港を見る 2026'
const WORDS = { ja, en }
const fill = (text, places) => text.replace(/\{\{(\w+)\}\}/gu, (_, name) => places[name])
const ORGANISATIONS = [
  ['commission', 'サイバー通信情報監理委員会', 'Communications Information Commission', 'oversight'],
  ['npa', '警察庁サイバー警察局', 'National Police Agency', 'agency'],
  ['kinki-power', '近畿電力', 'Kinki Electric Power', 'operator'],
  ['harbour', '名古屋コンテナ埠頭', 'Nagoya Container Terminals', 'operator'],
]
const PEOPLE = [
  ['clerk', '事務 一郎', 'commission', 'administrator'], ['saeki', '佐伯 律子', 'commission', 'commissioner'], ['mochizuki', '望月 誠', 'commission', 'commissioner'], ['dubois', 'Claire Dubois', 'commission', 'commissioner'],
  ['kuroki', '黒木 薫', 'npa', 'approver'], ['tanaka', '田中 美咲', 'kinki-power', 'approver'], ['minato', '港 太郎', 'harbour', 'approver'],
]
const PATTERNS = ["[ipv4-addr:value = '203.0.113.1']", "[domain-name:value = 'evil.example']"]

/** What an edge does with the hub, by its token and its key. */
class Edge {
  #hub
  #token
  #key = generateKeyPairSync('ed25519')
  id

  constructor(hub, id, token) {
    this.#hub = hub
    this.id = id
    this.#token = token
  }

  async send(method, path, body) {
    const answer = await fetch(this.#hub.address.replace('localhost', '127.0.0.1') + path, {
      method, headers: { Accept: 'application/json', 'Content-Type': 'application/json', Authorization: `Bearer ${this.#token}` }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }

  register() {
    const key = this.#key.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
    return this.send('PUT', '/edge/v1/key', { key, signature: this.#sign(`yagura edge key v1\0${this.id}`) })
  }

  #sign(text) {
    return sign(null, Buffer.from(text), this.#key.privateKey).toString('hex')
  }

  async packages() {
    const { status, body } = await this.send('GET', '/edge/v1/authorisations')
    assert.equal(status, 200, JSON.stringify(body))
    return body.packages
  }

  /** Signs for a use, as its number of this day. */
  async use(authorisation, number) {
    const { terms } = authorisation
    const used = {
      asked: terms.list_root, asked_by: terms.requested_by, at: new Date(Date.now() - 1000).toISOString().replace(/\.\d+Z$/u, 'Z'), authorisation: terms.id, count: terms.list_size, edge: this.id, grant: authorisation.grant_leaf, number, operator: 'kinki-power',
    }
    // Members stand in the order of their names already (RFC 8785), and the time is in whole seconds: the hub writes a fraction without its last noughts.
    const { body } = await this.send('POST', '/edge/v1/receipts', { receipts: [{ used, signature: this.#sign(`yagura receipt v1\0${JSON.stringify(used)}`) }] })
    return body.outcomes[0]
  }
}

/** A hub of its own with everybody in it, each signed in apart from the others. */
async function stage(language) {
  const hub = await startHub('[oversight]\nframe = "FRAME"\n', { FRAME: new URL('../../docs/operators/frame.example.json', import.meta.url).pathname })
  const browser = await startShared()
  const people = {}
  const open = async (name, signIn, isByPasskey) => {
    const context = await browser.open()
    await context.addInitScript(([lang, scheme]) => {
      localStorage.setItem('yagura.language', lang)
      localStorage.setItem('yagura.scheme', localStorage.getItem('yagura.scheme') ?? scheme)
    }, [language, language === 'ja' ? 'light' : 'dark'])
    const page = await context.newPage()
    const heard = complaints(page)
    if (isByPasskey) {
      const cdp = await context.newCDPSession(page)
      await cdp.send('WebAuthn.enable')
      await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } })
    }
    await page.goto(signIn)
    if (isByPasskey) await page.getByRole('button', { name: WORDS[language].credential.makePasskey }).click()
    else {
      await page.getByLabel(WORDS[language].account.newPassword).fill(PASSWORD)
      await page.getByRole('button', { name: WORDS[language].account.setPassword }).click()
    }
    await page.getByRole('navigation', { name: WORDS[language].shell.rail }).waitFor()
    const ask = (method, path, body) => page.evaluate(async ([how, address, content]) => {
      const session = await (await fetch('/api/v1/session')).json()
      const answer = await fetch(address, { method: how, headers: { 'Content-Type': 'application/json', 'X-Yagura-CSRF': session.csrf }, ...(content === undefined ? {} : { body: JSON.stringify(content) }) })
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
    }, [method, path, body])
    const go = async (path) => {
      await page.goto(hub.address + path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
    }
    people[name] = { page, heard, ask, go, dialog: page.getByRole('dialog'), said: (text) => page.getByRole('status').getByText(text, { exact: true }).first().waitFor() }
    return people[name]
  }
  const { ask } = await open('coordinator', hub.signIn, false)
  const done = async (path, body) => {
    const answer = await ask('POST', path, body)
    assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  for (const [id, name_ja, name_en, role] of ORGANISATIONS) await done('/api/v1/organisations', { id, name_ja, name_en, role, sectors: role === 'operator' ? ['ports'] : [], prefecture: null })
  for (const [login, name, organisation, role] of PEOPLE) {
    const { sign_in } = await done('/api/v1/people', { login, name, organisation, roles: [role] })
    await open(login, sign_in.replace('//127.0.0.1:', '//localhost:'), role === 'commissioner')
  }
  const { token } = await done('/api/v1/edges', { id: 'kinki-power-1', organisation: 'kinki-power', name: '本店' })
  return { hub, people, edge: new Edge(hub, 'kinki-power-1', token), stop: async () => {
    await browser.stop()
    await hub.stop()
  } }
}

/** Chooses from a list that opens under a field, with the keyboard. */
async function choose(page, label, option) {
  const field = page.getByRole('combobox', { name: label }).or(page.getByRole('textbox', { name: label })).first()
  await field.focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('option', { name: option, exact: true }).click()
  await page.keyboard.press('Escape')
}

for (const language of ['ja', 'en']) {
  describe(language, { concurrency: false }, () => life(language))
}

function life(language) {
  const { oversight: words, purposes, sharing, common } = WORDS[language]
  const named = (id) => ORGANISATIONS.find(([one]) => one === id)[language === 'ja' ? 1 : 2]
  const plural = (tree, key, count) => (language === 'en' && count === 1 ? tree[`${key}_one`] ?? tree[key] : tree[key])
  let stand
  let people
  let authorisation
  const address = () => `/authorisations/${authorisation.id}`
  const current = async (who = 'saeki') => (await people[who].ask('GET', `/api/v1/authorisations/${authorisation.id}`)).body
  const standing = (who, name) => people[who].page.getByText(words.standing[name], { exact: true }).first().waitFor()

  before(async () => {
    stand = await stage(language)
    people = stand.people
  })
  after(() => stand?.stop())

  /** What a commissioner does to sign, from the button on; looks at what is signed before. */
  async function signs(who, act, { reason, said, name }) {
    const { page, dialog, ask } = people[who]
    await page.getByRole('button', { name: act, exact: true }).click()
    if (reason !== undefined) {
      await dialog.getByLabel(sharing.reason).fill(reason)
      await dialog.getByRole('button', { name: words.signing.show }).click()
    }
    await dialog.getByText(words.signing.same).waitFor()
    const text = await dialog.locator('pre').innerText()
    if (name !== undefined) {
      assert.deepEqual(await axe(page), [])
      await shot(page, `oversight-${name}-${language}`)
    }
    assert.equal((await ask('GET', '/api/v1/session')).status, 200)
    await dialog.getByRole('button', { name: fill(words.signing.sign, { act }) }).click()
    await people[who].said(said)
    return JSON.parse(text)
  }

  test('nothing can be authorised before a commission stands, and everybody is told so', async () => {
    for (const [who, path] of [['saeki', '/oversight'], ['tanaka', '/asked'], ['kuroki', '/oversight']]) {
      await people[who].go(path)
      await people[who].page.getByText(words.offBecause['no-commission']).waitFor()
      assert.deepEqual(await axe(people[who].page), [])
    }
    assert.equal(new URL(people.saeki.page.url()).pathname, '/oversight/authorisations')
    await people.saeki.go('/')
    assert.equal(new URL(people.saeki.page.url()).pathname, '/oversight/authorisations', 'a commissioner’s first page')
    await shot(people.tanaka.page, `asked-off-${language}`)
  })

  test('a commission of three is constituted, of whom two decide', async () => {
    const { page, go, said, ask } = people.clerk
    await go('/oversight/commission')
    await page.getByLabel(words.commissionName).fill(named('commission'))
    for (const name of ['佐伯 律子', '望月 誠', 'Claire Dubois']) await page.getByRole('checkbox', { name }).check()
    await page.getByLabel(words.lastDay).fill(`${new Date().getUTCFullYear() + 5}-03-31`)
    assert.deepEqual(await axe(page), [])
    await shot(page, `oversight-constitute-${language}`)
    await page.getByRole('button', { name: fill(words.constituteAct, { count: 3, threshold: 2 }) }).click()
    await said(words.done.constituted)
    const { body } = await ask('GET', '/api/v1/oversight/commission')
    assert.deepEqual([body.commission.threshold, body.commission.members.length, body.is_on, body.off_because], [2, 3, false, 'frame-not-adopted'])
    await page.getByText(words.check.computed).first().waitFor()
  })

  test('two of them take the frame into force; the operator reads the same hashes', async () => {
    await people.saeki.go('/oversight/commission')
    const { frame } = words.resolve
    const signed = await signs('saeki', frame, { said: fill(words.done.signed, { count: 1, needed: 2 }), name: 'resolve' })
    assert.equal(signed.subject, 'frame')
    await people.saeki.page.getByText(words.youSigned).waitFor()
    await people.dubois.go('/oversight/commission')
    await people.dubois.page.getByText(fill(words.signedOf, { count: 1, needed: 2 })).waitFor()
    await signs('dubois', frame, { said: words.done.frame })
    const { body } = await people.tanaka.ask('GET', '/api/v1/oversight/commission')
    assert.equal(body.is_on, true)
    await people.tanaka.go('/asked/commission')
    for (const hash of [body.commission.digest, body.frame.digest, body.log_key]) await people.tanaka.page.getByText(hash, { exact: true }).waitFor()
    await eventually(async () => await people.tanaka.page.getByText(words.check.computed).count() === 2, 'both hashes computed in the browser')
    assert.deepEqual(await axe(people.tanaka.page), [])
    await shot(people.tanaka.page, `asked-commission-${language}`)
  })

  test('an agency asks; what is missing is said, and what will be read stands beside', async () => {
    const { page, go } = people.kuroki
    await go('/oversight/authorisations')
    await page.getByRole('link', { name: words.request }).click()
    const send = page.getByRole('button', { name: words.send })
    assert.equal(await send.isDisabled(), true)
    assert.deepEqual(await axe(page), [])
    await choose(page, words.basis, words.category['foreign-domestic'])
    await choose(page, words.operators, named('kinki-power'))
    await page.getByLabel(words.listField).fill(`${PATTERNS[0]}\neverything\n`)
    await page.getByText(words.missing['unknown-indicators']).waitFor()
    await page.getByLabel(words.listField).fill(`203.0.113[.]1\n${PATTERNS[1]}\n`)
    const tomorrow = new Date(Date.now() + (9 + 20) * 3_600_000).toISOString().slice(0, 16)
    await page.getByLabel(words.untilField, { exact: true }).fill(tomorrow.replace(/^\d{4}/u, (year) => String(Number(year) + 1)))
    await page.getByText(words.missing['too-long']).waitFor()
    await page.getByLabel(words.untilField, { exact: true }).fill(tomorrow)
    // From a minute ago on, so that it is in force as soon as it is granted.
    await page.getByLabel(words.fromField, { exact: true }).fill(new Date(Date.now() + 9 * 3_600_000 - 60_000).toISOString().slice(0, 16))
    await choose(page, words.retention, 'measures-2y')
    await page.getByLabel(words.reason, { exact: true }).fill('指令サーバーとの通信を確かめるため。Traffic to a command server.')
    const preview = page.getByRole('article', { name: words.terms })
    await preview.getByText('Act 42/2025 art. 32(1)').waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `oversight-request-${language}`)
    await send.click()
    await page.waitForURL(/\/oversight\/authorisations\/[0-9a-f-]{36}$/u)
    const id = new URL(page.url()).pathname.split('/').at(-1)
    authorisation = (await people.kuroki.ask('GET', `/api/v1/authorisations/${id}`)).body
    assert.deepEqual([authorisation.state, authorisation.terms.list_size, authorisation.terms.fields], ['requested', 2, ['addresses', 'ports']])
    const { body: list } = await people.kuroki.ask('GET', `/api/v1/authorisations/${id}/list`)
    assert.deepEqual(list.patterns, PATTERNS)
    // To an operator it does not exist before it is granted.
    await people.tanaka.go('/asked')
    await people.tanaka.page.getByText(words.noneOfUs).waitFor()
    assert.deepEqual(await stand.edge.packages(), [])
  })

  test('a hub that has something else signed than it shows is not answered', async () => {
    const { page, dialog, go, ask } = people.saeki
    await go('/oversight')
    await page.getByText(words.waitsForYou).waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `oversight-waiting-${language}`)
    await page.getByRole('link', { name: named('npa') }).click()
    const start = '**/decisions/start'
    const lie = async (change) => {
      await page.route(start, async (route) => {
        const answer = await route.fetch()
        await route.fulfill({ response: answer, json: change(await answer.json()) })
      })
      await page.getByRole('button', { name: words.act.grant, exact: true }).click()
    }
    await lie((told) => ({ ...told, document: { ...told.document, number: 7 } }))
    await dialog.getByText(words.signing.fault.challenge).waitFor()
    assert.equal(await dialog.getByRole('button', { name: fill(words.signing.sign, { act: words.act.grant }) }).isDisabled(), true)
    assert.deepEqual(await axe(page), [])
    await shot(page, `oversight-lie-${language}`)
    await dialog.getByRole('button', { name: common.cancel }).click()
    await page.unroute(start)
    // Another decision than the one that was clicked, hashed as it must be.
    await page.route(start, async (route) => route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), verdict: 'refuse', reason: 'x' }) }))
    await page.getByRole('button', { name: words.act.grant, exact: true }).click()
    await dialog.getByText(words.signing.fault.document).waitFor()
    await dialog.getByRole('button', { name: common.cancel }).click()
    await page.unroute(start)
    assert.equal((await ask('GET', `/api/v1/authorisations/${authorisation.id}`)).body.pending ?? null, null)
  })

  test('two grant it, one of them on a phone, and it is in force before the operator’s eyes', async () => {
    await people.saeki.go(`/oversight${address()}`)
    const first = await signs('saeki', words.act.grant, { said: fill(words.done.signed, { count: 1, needed: 2 }), name: 'grant' })
    assert.deepEqual([first.verdict, first.authorisation, first.terms], ['grant', authorisation.id, authorisation.terms_hash])
    assert.equal(await people.saeki.page.getByRole('button', { name: words.act.grant, exact: true }).count(), 0, 'nobody signs twice')
    const { page, go } = people.mochizuki
    await page.setViewportSize({ width: 390, height: 844 })
    await go('/oversight')
    await page.getByRole('link', { name: named('npa') }).click()
    await page.getByText(fill(words.pending.grant, { count: 1, needed: 2 })).waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `oversight-phone-${language}`)
    const second = await signs('mochizuki', words.act.grant, { said: words.done.grant, name: 'grant-phone' })
    assert.deepEqual(second, first, 'both signed the same words')
    await page.setViewportSize({ width: 1280, height: 800 })
    await standing('mochizuki', 'in-force')
    // The operator's page is open since before.
    await people.tanaka.page.getByText(words.standing['in-force'], { exact: true }).waitFor()
    assert.deepEqual(await axe(people.tanaka.page), [])
    await shot(people.tanaka.page, `asked-${language}`)
    authorisation = await current()
    assert.deepEqual([authorisation.state, authorisation.in_force], ['granted', true])
    assert.equal((await stand.edge.packages()).length, 1)
    await people.minato.go(`/asked${address()}`)
    await people.minato.page.getByText(WORDS[language].errors['not-found'].what).waitFor()
  })

  test('the operator opens the list, and the browser finds that it is the one that was granted', async () => {
    const { page } = people.tanaka
    await page.getByRole('link', { name: /指令サーバー/u }).click()
    await page.getByRole('button', { name: words.listOpen }).click()
    await page.getByText(words.listIsGranted).waitFor()
    await page.getByText(PATTERNS[1]).waitFor()
    await page.getByText('佐伯 律子').first().waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `asked-authorisation-${language}`)
  })

  test('an edge uses it and signs; commission and operator read the same receipts, and one that is missing', async () => {
    const { edge } = stand
    assert.equal((await edge.register()).status, 204)
    assert.equal((await edge.use(authorisation, 1)).outcome, 'accepted')
    assert.equal((await edge.use(authorisation, 3)).outcome, 'accepted')
    for (const [who, base] of [['dubois', '/oversight'], ['tanaka', '/asked']]) {
      const { page, go } = people[who]
      await go(`${base}/receipts`)
      await page.getByText(plural(words.anomaly, 'missing', 1).replace('{{count}}', '1')).waitFor()
      assert.equal(await page.getByRole('group', { name: words.receipts }).getByText(words.check.holds, { exact: true }).count(), 2, 'the browser verified both signatures')
      assert.deepEqual(await axe(page), [])
      await shot(page, `${base.slice(1)}-receipts-${language}`)
    }
    assert.equal((await current()).uses, 2)
  })

  test('the proof of the grant is computed step by step, and shows what was altered', async () => {
    const { page, go } = people.tanaka
    await go(`/asked${address()}`)
    await page.getByRole('link', { name: fill(words.inspect, { leaf: authorisation.grant_leaf }) }).click()
    await page.getByText(words.proof.verdict.holds).waitFor()
    assert.equal(await page.getByText(words.proof.decision.holds).count(), 2)
    for (const step of ['decision', 'commitment', 'entry', 'root', 'checkpoint']) {
      assert.equal(await page.locator(`[data-step="${step}"] [data-outcome="holds"]`).first().count(), 1, step)
    }
    await page.getByText(words.proof.cosignatures.none).waitFor()
    assert.deepEqual(await axe(page), [])
    await page.screenshot({ path: new URL(`../test-results/proof-${language}.png`, import.meta.url).pathname, fullPage: true })
    const altered = async (pattern, change, step) => {
      await page.route(pattern, async (route) => {
        const answer = await route.fetch()
        await route.fulfill({ response: answer, body: change(await answer.body()) })
      })
      await page.reload()
      await page.getByText(words.proof.verdict.wrong).waitFor()
      assert.equal(await page.locator(`[data-step="${step}"] [data-outcome="wrong"]`).first().count(), 1, step)
      await page.unroute(pattern)
    }
    const flipped = (bytes) => { const other = Buffer.from(bytes); other[0] ^= 1; return other }
    const told = (change) => (bytes) => JSON.stringify(change(JSON.parse(bytes.toString())))
    const inRecord = (from, to) => told((one) => ({ ...one, history: one.history.map((entry) => ({ ...entry, record: entry.record.replace(from, to) })) }))
    await altered('**/log/authorisations/tile/0/**', flipped, 'root')
    await altered('**/log/authorisations/checkpoint', (bytes) => { const lines = bytes.toString().split('\n'); lines[2] = (lines[2].startsWith('A') ? 'B' : 'A') + lines[2].slice(1); return lines.join('\n') }, 'checkpoint')
    await altered(`**/api/v1/authorisations/${authorisation.id}`, inRecord('"queries_per_day":4', '"queries_per_day":9'), 'decision')
    await altered(`**/api/v1/authorisations/${authorisation.id}`, inRecord('"list_size":2', '"list_size":3'), 'commitment')
    await shot(page, `proof-altered-${language}`)
    await page.reload()
    await page.getByText(words.proof.verdict.holds).waitFor()
    // A use: the operator is given what opens its leaf, so nothing stays open.
    await go(`/asked${address()}/entries/${(await people.tanaka.ask('GET', '/api/v1/receipts')).body.receipts[0].leaf}`)
    await page.locator('[data-step="receipt"] [data-outcome="holds"]').waitFor()
    await page.locator('[data-step="commitment"] [data-outcome="holds"]').first().waitFor()
    await page.locator('[data-step="root"] [data-outcome="holds"]').waitFor()
    await page.getByText(words.proof.verdict.holds).waitFor()
  })

  test('whoever asked asks for less', async () => {
    const { page, go } = people.kuroki
    await go(`/oversight${address()}`)
    await page.getByText(words.usesOfOthers).waitFor()
    await page.getByRole('button', { name: words.narrowAct }).click()
    await page.getByRole('button', { name: words.narrowOpen }).click()
    const list = page.getByLabel(words.listField)
    await list.waitFor()
    assert.equal(await list.inputValue(), PATTERNS.join('\n'))
    await list.fill(PATTERNS[0])
    await page.getByRole('checkbox', { name: words.field.ports }).uncheck()
    assert.deepEqual(await axe(page), [])
    await shot(page, `oversight-narrow-${language}`)
    await page.getByRole('button', { name: words.send }).click()
    await page.waitForURL((url) => /authorisations\/[0-9a-f-]{36}$/u.test(url.pathname) && !url.pathname.endsWith(authorisation.id))
    await page.getByRole('link', { name: authorisation.id }).waitFor()
    // It is refused by one, with a reason that the asker reads.
    const id = new URL(page.url()).pathname.split('/').at(-1)
    await people.dubois.go(`/oversight/authorisations/${id}`)
    await signs('dubois', words.act.refuse, { reason: '必要性が示されていません。', said: words.done.refuse })
    await page.getByText('必要性が示されていません。').waitFor()
    await standing('kuroki', 'refused')
  })

  test('one commissioner suspends it and says why; two let it go on; one ends it; nobody grants it after', async () => {
    await people.dubois.go(`/oversight${address()}`)
    const because = '記録の欠番を確かめるまで停止します。'
    await people.dubois.page.getByRole('button', { name: words.act.suspend, exact: true }).click()
    assert.equal(await people.dubois.dialog.getByRole('button', { name: words.signing.show }).isDisabled(), true, 'not without a reason')
    await people.dubois.dialog.getByRole('button', { name: common.cancel }).click()
    const signed = await signs('dubois', words.act.suspend, { reason: because, said: words.done.suspend, name: 'suspend' })
    assert.equal(signed.reason, because)
    assert.deepEqual(await stand.edge.packages(), [])
    await people.tanaka.go(`/asked${address()}`)
    await people.tanaka.page.getByText(because).waitFor()
    await standing('tanaka', 'suspended')
    assert.deepEqual(await axe(people.tanaka.page), [])
    await shot(people.tanaka.page, `asked-suspended-${language}`)
    for (const [who, said] of [['saeki', fill(words.done.signed, { count: 1, needed: 2 })], ['mochizuki', words.done.resume]]) {
      await people[who].go(`/oversight${address()}`)
      await signs(who, words.act.resume, { said })
    }
    assert.equal((await stand.edge.packages()).length, 1)
    await signs('mochizuki', words.act.revoke, { reason: '目的を達したため。', said: words.done.revoke })
    await standing('tanaka', 'revoked')
    // The edge is given nothing any more, neither the grant nor the list.
    assert.deepEqual(await stand.edge.packages(), [])
    assert.equal((await stand.edge.send('GET', `/edge/v1/authorisations/${authorisation.id}/list`)).status, 404)
    await standing('mochizuki', 'revoked')
    for (const act of Object.values(words.act)) assert.equal(await people.mochizuki.page.getByRole('button', { name: act, exact: true }).count(), 0, act)
    const again = await people.mochizuki.ask('POST', `/api/v1/authorisations/${authorisation.id}/decisions/start`, { verdict: 'grant', terms: authorisation.terms_hash, reason: '' })
    assert.equal(again.status, 422)
    // A use in spite of it is evidence, and is shown as what it is.
    assert.equal((await stand.edge.use(authorisation, 4)).outcome, 'accepted')
    await people.saeki.go('/oversight/receipts')
    await people.saeki.page.getByText(words.anomaly['while-stopped']).first().waitFor()
    await shot(people.saeki.page, `oversight-anomaly-${language}`)
  })

  test('every step is in the history, each with its proof', async () => {
    await people.saeki.go(`/oversight${address()}`)
    const { page } = people.saeki
    for (const kind of ['request', 'grant', 'suspend', 'resume', 'revoke']) await page.getByText(words.did[kind], { exact: true }).first().waitFor()
    for (const { leaf } of (await current()).history) {
      await people.saeki.go(`/oversight${address()}/entries/${leaf}`)
      await page.getByText(words.proof.verdict.holds).waitFor()
    }
  })

  test('another commission is proposed, shown with who joins, and stands when two have agreed', async () => {
    const { ask } = people.coordinator
    const { body: added } = await ask('POST', '/api/v1/people', { login: 'miura', name: '三浦 京', organisation: 'commission', roles: ['commissioner'] })
    assert.ok(added.sign_in)
    const { page, go, said } = people.clerk
    await go('/oversight/commission')
    assert.equal(await page.getByRole('checkbox', { name: '三浦 京' }).isDisabled(), true, 'without a passkey nobody decides')
    await page.getByRole('checkbox', { name: 'Claire Dubois' }).uncheck()
    await page.getByLabel(words.lastDay).fill(`${new Date().getUTCFullYear() + 6}-03-31`)
    await page.getByRole('button', { name: fill(words.proposeAct, { count: 2, threshold: 2 }) }).click()
    await said(words.done.proposed)
    await people.saeki.go('/oversight/commission')
    await people.saeki.page.getByText(words.leaves).waitFor()
    assert.deepEqual(await axe(people.saeki.page), [])
    await shot(people.saeki.page, `oversight-proposed-${language}`)
    await signs('saeki', words.resolve.commission, { said: fill(words.done.signed, { count: 1, needed: 2 }) })
    await people.mochizuki.go('/oversight/commission')
    await signs('mochizuki', words.resolve.commission, { said: words.done.commission })
    await people.dubois.go(`/oversight${address()}`)
    await people.dubois.page.getByText(words.noMember).waitFor()
  })

  test('a notice leads to what it is about', async () => {
    const { page, go } = people.kuroki
    await go('/sharing/inbox')
    await page.getByRole('link', { name: WORDS[language].notices['authorisation-revoked'] }).first().click()
    await page.getByRole('heading', { name: fill(words.title, { who: named('npa'), category: words.category['foreign-domestic'] }) }).waitFor()
    await page.getByText(purposes['collective-defence'], { exact: true }).waitFor()
  })

  test('every screen, light and dark, at three sizes: nothing overflows, axe finds nothing', async () => {
    const entry = `${address()}/entries/${authorisation.grant_leaf}`
    const screens = [
      ['saeki', '/oversight', ['/authorisations', '/receipts', '/disclosures', '/commission', address(), entry]],
      ['kuroki', '/oversight', ['/authorisations', '/authorisations/new', address()]],
      ['tanaka', '/asked', ['/authorisations', '/receipts', '/left', '/commission', address(), entry]],
      ['clerk', '/oversight', ['/commission']],
    ]
    const wrong = []
    for (const scheme of ['light', 'dark']) {
      for (const [who, base, paths] of screens) {
        const { page, go } = people[who]
        await page.evaluate((colours) => localStorage.setItem('yagura.scheme', colours), scheme)
        for (const path of paths) {
          await go(base + path)
          const name = path.replaceAll(authorisation.id, 'one').replaceAll('/', '-')
          wrong.push(...await everySize(page, `${who}${name}-{width}-${language}-${scheme}`, sizesOf(language, scheme), { fullPage: true }))
        }
      }
    }
    assert.deepEqual(wrong, [])
  })

  test('no page complained', () => assert.deepEqual(Object.entries(people).flatMap(([who, { heard }]) => heard.map((text) => `${who}: ${text}`)), []))
}
