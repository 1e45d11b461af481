// Answering an incident, in both languages: a playbook is read and started for a case, people do its first steps, two approvers of
// different organisations agree on a phone and at a desk with their passkeys, an edge takes the order and says what it stopped, the order
// is undone with a reason, the run is cancelled, and the case prints. Against the real program: part of `npm run e2e`.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, complaints, eventually, RESULTS, shot, sideways, startHub, startShared } from './harness.mjs'

const PASSWORD = '対処の櫓から港を守る 2026'
const WORDS = { ja, en }
const NARROW = { width: 390, height: 844 }
const WIDE = { width: 1440, height: 900 }
const DOMAIN = 'cdn.update-jp.example'
const ORGANISATIONS = [
  ['npa', '警察庁サイバー警察局', 'National Police Agency', 'agency'],
  ['kinki-power', '近畿電力', 'Kinki Electric Power', 'operator'],
]
const PEOPLE = [
  ['sato', '佐藤 恵', 'coordinator', ['duty_officer', 'analyst']], ['kuroki', '黒木 薫', 'npa', ['approver']], ['tanaka', '田中 美咲', 'kinki-power', ['approver']],
]
// The operator's consent that the playbook refers to.
const CONFIGURATION = `[[response.authorities]]
reference = "consent-2026-118"
operators = ["kinki-power"]
from = "2026-01-01T00:00:00Z"
until = "2099-01-01T00:00:00Z"
`
const fill = (text, places) => text.replace(/\{\{(\w+)\}\}/gu, (_, name) => places[name])

/** A hub of its own with everybody in it, each signed in with a passkey, and the token of an edge. */
async function stage(language) {
  const hub = await startHub(CONFIGURATION)
  const browser = await startShared()
  const people = {}
  const words = WORDS[language]
  const open = async (name, signIn, isByPasskey) => {
    const context = await browser.open()
    await context.addInitScript((lang) => {
      localStorage.setItem('yagura.language', lang)
      localStorage.setItem('yagura.scheme', localStorage.getItem('yagura.scheme') ?? 'light')
    }, language)
    const page = await context.newPage()
    await page.setViewportSize(WIDE)
    const heard = complaints(page)
    if (isByPasskey) {
      const cdp = await context.newCDPSession(page)
      await cdp.send('WebAuthn.enable')
      await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } })
    }
    await page.goto(signIn)
    if (isByPasskey) await page.getByRole('button', { name: words.credential.makePasskey }).click()
    else {
      await page.getByLabel(words.account.newPassword).fill(PASSWORD)
      await page.getByRole('button', { name: words.account.setPassword }).click()
    }
    await page.getByRole('navigation', { name: words.shell.rail }).waitFor()
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
    const dress = async (scheme) => {
      await page.evaluate((colours) => localStorage.setItem('yagura.scheme', colours), scheme)
      await page.reload()
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
    }
    people[name] = { page, context, heard, ask, go, dress, dialog: page.getByRole('dialog'), said: (text) => page.getByRole('status').getByText(text, { exact: true }).first().waitFor() }
    return people[name]
  }
  const { ask } = await open('coordinator', hub.signIn, false)
  const done = async (path, body) => {
    const answer = await ask('POST', path, body)
    assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  for (const [id, name_ja, name_en, role] of ORGANISATIONS) await done('/api/v1/organisations', { id, name_ja, name_en, role, sectors: role === 'operator' ? ['power'] : [], prefecture: null })
  for (const [login, name, organisation, roles] of PEOPLE) {
    const { sign_in } = await done('/api/v1/people', { login, name, organisation, roles })
    await open(login, sign_in.replace('//127.0.0.1:', '//localhost:'), true)
  }
  const { token } = await done('/api/v1/edges', { id: 'kinki-power-1', organisation: 'kinki-power', name: '本店' })
  return { hub, people, edge: edgeOf(hub, token), stop: async () => {
    await browser.stop()
    await hub.stop()
  } }
}

/** What an edge asks of its hub and tells it; it carries nothing out. */
function edgeOf(hub, token) {
  let sequence = 0
  const send = async (method, path, body) => {
    const answer = await fetch(hub.address.replace('localhost', '127.0.0.1') + path, { method, headers: { Accept: 'application/json', 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    const text = await answer.text()
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }
  return {
    order: () => eventually(async () => {
      const { orders, sequence: next } = await send('GET', `/edge/v1/orders?after=${sequence}&wait=1`)
      sequence = next
      return orders.at(-1)
    }, 'an order for the edge'),
    report: (command_id, number, state, more = {}) => send('POST', '/edge/v1/orders/reports', { reports: [{ command_id, number, at: new Date().toISOString(), state, response: null, why: null, stopped: null, ...more }] }),
  }
}

/** Chooses from a list that opens under a field, with the keyboard. */
async function choose(scope, page, label, option) {
  const field = scope.getByRole('combobox', { name: label }).or(scope.getByRole('textbox', { name: label })).first()
  await field.focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('option', { name: option }).first().click()
}

for (const language of ['ja', 'en']) describe(language, { concurrency: false }, () => life(language))

function life(language) {
  const { response: words, common } = WORDS[language]
  let stand
  let people
  let number
  let run
  let order
  const text = (japanese, english) => (language === 'ja' ? japanese : english)

  /** Looks at a page in both sizes and both schemes. */
  const looks = async (who, name) => {
    const { page, dress } = people[who]
    for (const scheme of ['dark', 'light']) {
      await dress(scheme)
      for (const size of [NARROW, WIDE]) {
        await page.setViewportSize(size)
        assert.deepEqual(await axe(page), [], `${name} ${size.width} ${scheme}`)
        const excess = await sideways(page)
        assert.equal(excess, 0, `${name} ${size.width}: too wide`)
        await shot(page, `response-${name}-${language}-${size.width}-${scheme}`)
      }
    }
  }

  before(async () => {
    stand = await stage(language)
    people = stand.people
    const { status, body } = await people.sato.ask('POST', '/api/v1/cases', { title: text('保守用 VPN を足場にした通信', 'Traffic out of the maintenance VPN'), severity: 3, objects: [] })
    assert.equal(status, 200, JSON.stringify(body))
    number = body.summary.number
    stand.case = body.summary.id
  })
  after(() => stand?.stop())

  test('where nothing runs, each page says what would fill it', async () => {
    for (const part of ['approvals', 'runs', 'orders']) {
      await people.kuroki.go(`/response/${part}`)
      assert.deepEqual(await axe(people.kuroki.page), [])
    }
    await people.kuroki.go('/response')
    assert.equal(new URL(people.kuroki.page.url()).pathname, '/response/approvals')
    await people.kuroki.page.getByText(words.noQuestions).waitFor()
  })

  test('the playbooks are there, found by words and by kind', async () => {
    const { page, go } = people.sato
    await go('/response/playbooks')
    assert.equal(await page.getByRole('article').count(), 12)
    await looks('sato', 'playbooks')
    await page.getByRole('searchbox', { name: words.searchPlaybooks }).fill('domain')
    await eventually(async () => (await page.getByRole('article').count()) < 12, 'fewer playbooks')
    await page.getByRole('searchbox', { name: words.searchPlaybooks }).fill('')
    await choose(page, page, words.kind, words.incidents.dns)
    await eventually(async () => (await page.getByRole('article').count()) === 1, 'the one playbook of its kind')
    await page.getByRole('article').getByRole('link').click()
    await page.getByRole('heading', { name: words.stepsTitle }).waitFor()
    await looks('sato', 'playbook')
  })

  test('its picture is walked with the keyboard, and says the same as text', async () => {
    const { page } = people.sato
    const picture = page.getByRole('group', { name: fill(words.picture, { count: 23 }) })
    await picture.locator('button[tabindex="0"]').focus()
    const first = await page.evaluate(() => document.activeElement?.getAttribute('data-step'))
    await page.keyboard.press('ArrowDown')
    const second = await page.evaluate(() => document.activeElement?.getAttribute('data-step'))
    assert.notEqual(second, first)
    await page.getByRole('button', { name: text(/^エッジで名前を遮断する/u, /^Block the name at the edge/u) }).first().click()
    await page.getByRole('region', { name: words.safeguards }).getByText(fill(words.needsApprovals, { count: 2 })).waitFor()
    await page.getByText(words.asText, { exact: true }).click()
    await page.getByRole('list', { name: words.outline }).waitFor()
    assert.deepEqual(await axe(page), [])
  })

  test('it is started for a case', async () => {
    const { page, dialog } = people.sato
    await page.getByRole('button', { name: words.run, exact: true }).click()
    const start = dialog.getByRole('button', { name: words.startNow, exact: true })
    assert.equal(await start.isDisabled(), true)
    await choose(dialog, page, words.case, new RegExp(`^#${number} `, 'u'))
    await dialog.getByLabel(text('遮断を行うエッジのホスト名', 'Host name of the edge that enforces')).fill('kinki-power-1')
    await dialog.getByLabel(text('措置の根拠となる同意または命令の識別子', 'Identifier of the consent or order that an action is based on')).fill('consent-2026-118')
    await dialog.getByLabel(text('対象のドメイン名', 'The domain name'), { exact: true }).fill(DOMAIN)
    assert.deepEqual(await axe(page), [])
    await shot(page, `response-start-${language}`)
    await start.click()
    await page.waitForURL(/\/response\/runs\//u)
    run = new URL(page.url()).pathname.split('/').at(-1)
    await page.getByRole('heading', { name: words.tasks }).waitFor()
  })

  test('people do its first steps and say what they found', async () => {
    const { page, dialog } = people.sato
    const done = page.getByRole('button', { name: words.taskDone, exact: true })
    await done.first().click()
    await dialog.getByLabel(/__domain_kind__|hijacked/u).fill('malicious')
    assert.deepEqual(await axe(page), [])
    await dialog.getByRole('button', { name: words.taskDone, exact: true }).click()
    await people.sato.said(words.taskIsDone)
    await page.getByRole('heading', { name: text('問い合わせ元を測る', 'Measure who asks for it'), level: 3 }).first().waitFor()
    await done.first().click()
    await dialog.getByText(common.no, { exact: true }).click()
    await dialog.getByRole('button', { name: words.taskDone, exact: true }).click()
    await page.getByRole('heading', { name: words.questions }).waitFor()
  })

  test('whoever asked may not answer, and is told so', async () => {
    const { page } = people.sato
    await page.getByText(words.notYours).waitFor()
    assert.equal(await page.getByRole('button', { name: words.approve, exact: true }).count(), 0)
    const { body } = await people.sato.ask('GET', `/api/v1/runs/${run}`)
    const [question] = body.questions
    const { status } = await people.sato.ask('POST', `/api/v1/runs/${run}/questions/${question.number}/approve`, { hash: question.hash, reason: null })
    assert.ok(status >= 400, String(status))
    await looks('sato', 'run')
  })

  test('one approver answers on a phone: two clicks and the passkey', async () => {
    const { page, go, dialog, said } = people.kuroki
    await page.setViewportSize(NARROW)
    await go('/response/approvals')
    await page.getByText(new RegExp(DOMAIN.replaceAll('.', '\\[?\\.\\]?'), 'u')).first().waitFor()
    await page.getByText(words.exactly).waitFor()
    await looks('kuroki', 'approvals')
    await page.setViewportSize(NARROW)
    // The session is fresh; that it is not any more is said in the hub's place, once, so that the passkey is asked for.
    let asked = 0
    await page.route(/\/questions\/\d+\/approve$/u, async (route) => {
      asked += 1
      if (asked > 1) return route.continue()
      return route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'prove it', status: 403, code: 'fresh-proof-needed', detail: null, request: 'test' }) })
    })
    const approve = page.getByRole('button', { name: words.approve, exact: true })
    const box = await approve.boundingBox()
    assert.ok(box.height >= 44 && box.y + box.height <= NARROW.height, JSON.stringify(box))
    await approve.click()
    assert.deepEqual(await axe(page), [])
    await shot(page, `response-approve-${language}-390`)
    await dialog.getByRole('button', { name: words.approveNow }).click()
    await said(words.approved)
    assert.equal(asked, 2)
    await page.unroute(/\/questions\/\d+\/approve$/u)
    await page.setViewportSize(WIDE)
  })

  test('the other one answers at a desk, from the run; a stale hash is refused', async () => {
    const { page, go, dialog, said, ask } = people.tanaka
    await go(`/response/runs/${run}`)
    await page.getByText(fill(words.givenOf, { count: 1, required: 2 })).first().waitFor()
    const { body } = await ask('GET', `/api/v1/runs/${run}`)
    const open = body.questions.find(({ state }) => state === 'open')
    const stale = await ask('POST', `/api/v1/runs/${run}/questions/${open.number}/approve`, { hash: '0'.repeat(64), reason: null })
    assert.ok(stale.status >= 400, JSON.stringify(stale))
    await page.getByRole('button', { name: words.approve, exact: true }).click()
    await dialog.getByLabel(words.reasonOptional).fill(text('当社の同意に基づく', 'On our own consent'))
    await dialog.getByRole('button', { name: words.approveNow }).click()
    await said(words.approved)
  })

  test('the edge takes the order, and the board shows what it stopped', async () => {
    order = await stand.edge.order()
    const { command_id } = order.about
    assert.match(JSON.stringify(order.message), new RegExp(DOMAIN, 'u'))
    await stand.edge.report(command_id, 1, 'taken')
    await stand.edge.report(command_id, 2, 'enforced', { stopped: 42 })
    const { page, go } = people.sato
    await go('/response/orders')
    await page.getByText(words.orders.enforced, { exact: true }).first().waitFor()
    await page.getByText('42', { exact: true }).first().waitFor()
    await looks('sato', 'orders')
  })

  test('the order is undone with a reason', async () => {
    const { page, dialog, said } = people.sato
    await page.getByRole('button', { name: words.undo, exact: true }).first().click()
    const undo = dialog.getByRole('button', { name: words.undoNow })
    assert.equal(await undo.isDisabled(), true)
    await dialog.getByLabel(words.reason, { exact: true }).fill(text('誤って遮断したため', 'It was the wrong name'))
    assert.deepEqual(await axe(page), [])
    await shot(page, `response-undo-${language}`)
    await undo.click()
    await said(words.undoOrdered)
    const inverse = await stand.edge.order()
    assert.equal(inverse.about.undoes, order.about.command_id)
    await stand.edge.report(order.about.command_id, 3, 'released', { stopped: 42 })
    await page.getByRole('combobox', { name: words.whichOrders }).or(page.getByRole('textbox', { name: words.whichOrders })).first().waitFor()
    await people.sato.go('/response/orders?show=all')
    await page.getByText(words.orders.released, { exact: true }).first().waitFor()
  })

  test('the run is cancelled, and its story stays', async () => {
    const { page, go, dialog, said } = people.sato
    await go(`/response/runs/${run}`)
    await page.getByRole('button', { name: words.cancelRun }).click()
    await dialog.getByLabel(words.reason, { exact: true }).fill(text('事業者が自ら対処したため', 'The operator dealt with it'))
    await dialog.getByRole('button', { name: words.cancelRun }).click()
    await said(words.cancelled)
    await page.getByText(words.states.cancelled, { exact: true }).first().waitFor()
    assert.deepEqual(await axe(page), [])
    await shot(page, `response-run-over-${language}`)
  })

  test('the case prints as a situation report', async () => {
    const { page, go } = people.sato
    await go(`/cases/${stand.case}`)
    await page.getByRole('heading', { name: WORDS[language].places.response }).waitFor()
    await page.emulateMedia({ media: 'print' })
    await page.setViewportSize({ width: 794, height: 1123 })
    assert.equal(await page.getByRole('navigation', { name: WORDS[language].shell.rail }).isVisible(), false)
    assert.equal(await page.getByRole('button').first().isVisible(), false)
    await page.locator('.print-only').getByText(/JST.*UTC/u).waitFor()
    await shot(page, `response-print-${language}`)
    const pdf = await page.pdf({ format: 'A4', printBackground: true })
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-')
    await writeFile(join(RESULTS, `situation-${language}.pdf`), pdf)
    await page.emulateMedia({ media: 'screen' })
    await page.setViewportSize(WIDE)
  })

  test('nothing was complained of', () => {
    for (const { heard } of Object.values(people)) assert.deepEqual(heard, [])
  })
}
