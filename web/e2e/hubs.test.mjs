// Two hubs that have an agreement, each with the real program and people of its own: the police at the one, in Japanese; an operator at the other, in
// English. A report and its attachment go to the police; evidence is asked for, and answered. Part of `npm run e2e`.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, eventually, shot, startHub, startShared } from './harness.mjs'
import { enter, fill } from './people.mjs'

const POLICIES = new URL('../../policies', import.meta.url).pathname
const LOG = Buffer.from('2026-11-30T02:11:09Z 203.0.113.9 → plc-7 write\n'.repeat(400))
const SUMMARY = 'The terminals of the control room are encrypted'
const TITLE = '港湾の制御端末への侵入'
const MINUTE_MS = 60_000
const hubs = {}
let browser
let police
let kinki
let report
let room

/** What goes both ways between organisations of a hub and the other hub's. */
function agreement(own, other) {
  const [ours, theirs] = [own, [other]].map((names) => names.map((name) => JSON.stringify(name)).join(', '))
  const term = (from, to) => `[[terms]]\nfrom = [${from}]\nto = [${to}]\nclasses = ["incident", "report"]\ntlp = "amber+strict"\npap = "red"\n`
    + 'purposes = ["collective-defence", "incident-response"]\nonward = "none"\noriginator_control = false\n'
  return `id = "reports"\nparties = [${ours}, ${theirs}]\nfrom = "2020-01-01T00:00:00Z"\nuntil = "2100-01-01T00:00:00Z"\nreciprocal = false\n`
    + `title = { ja = "報告と事案", en = "Reports and cases" }\n${term(ours, theirs)}${term(theirs, ours)}`
}

async function stand(own, other) {
  const folder = await mkdtemp(join(tmpdir(), 'yagura-hubs-'))
  await cp(POLICIES, folder, { recursive: true })
  await mkdir(join(folder, 'agreements'), { recursive: true })
  await writeFile(join(folder, 'agreements', 'reports.toml'), agreement(own, other))
  const hub = await startHub('policies = "POLICIES"\n\n[federation]\nlisten = "127.0.0.1:0"\n', { POLICIES: folder })
  return { ...hub, folder }
}

async function asked(who, method, path, body) {
  const { status, body: answer } = await who.ask(method, path, body)
  assert.equal(status, 200, `${method} ${path}: ${JSON.stringify(answer)}`)
  return answer
}

/** An organisation of a hub with a duty officer, who enters. */
async function joins(hub, administrator, organisation, login, look) {
  await asked(administrator, 'POST', '/api/v1/organisations', { sectors: [], prefecture: null, ...organisation })
  const { sign_in: signIn } = await asked(administrator, 'POST', '/api/v1/people', { login, name: login, organisation: organisation.id, roles: ['duty_officer', 'analyst'] })
  return enter(browser, hub, signIn, look)
}

const field = ({ page }, label) => page.getByRole('combobox', { name: label, exact: true }).or(page.getByRole('textbox', { name: label, exact: true })).first()
const choose = async (who, label, option) => {
  await field(who, label).click()
  await who.page.getByRole('option', { name: option, exact: true }).click()
}
// What a dialog covers by half cannot be pressed while it is open, and is no small target.
const faults = async ({ page }) => (await axe(page)).filter((found) => !found.includes('partially obscured'))

before(async () => {
  browser = await startShared()
  hubs.east = await stand(['coordinator', 'police'], 'west')
  hubs.west = await stand(['coordinator', 'kinki'], 'east')
  const looks = { east: { language: 'ja', words: ja, scheme: 'light' }, west: { language: 'en', words: en, scheme: 'dark' } }
  const east = await enter(browser, hubs.east, hubs.east.signIn, looks.east)
  const west = await enter(browser, hubs.west, hubs.west.signIn, looks.west)
  police = await joins(hubs.east, east, { id: 'police', name_ja: '警察庁サイバー警察局', name_en: 'National Police Agency', role: 'agency' }, 'kuroki', looks.east)
  kinki = await joins(hubs.west, west, { id: 'kinki', name_ja: '近畿港湾', name_en: 'Kinki Ports', role: 'operator', sectors: ['ports'] }, 'tanaka', looks.west)
  const know = async (who, other, id) => {
    await asked(who, 'POST', '/api/v1/organisations', { id, name_ja: id, name_en: id, role: 'agency', sectors: [], prefecture: null })
    const { card } = await asked(other, 'GET', '/api/v1/peer-card')
    await asked(who, 'POST', '/api/v1/peers', { card, organisation: id })
  }
  await know(east, west, 'west')
  await know(west, east, 'east')
})
after(async () => {
  await browser?.stop()
  for (const hub of Object.values(hubs)) {
    await hub.stop()
    await rm(hub.folder, { recursive: true, force: true })
  }
})

test('an operator attaches a file to its report and gives the copy to the police of the other hub', async () => {
  const { reporting } = en
  report = (await asked(kinki, 'POST', '/api/v1/reports', { id: crypto.randomUUID(), kind: 'ransomware', aware: new Date().toISOString(), fields: { summary: SUMMARY, contact: '03-0000-0000' } })).id
  await kinki.go(`/reports/${report}`)
  await kinki.page.locator('input[type="file"]').setInputFiles({ name: 'plc.log', mimeType: 'text/plain', buffer: LOG })
  await kinki.page.getByRole('link', { name: 'plc.log' }).waitFor()
  await eventually(async () => (await asked(kinki, 'GET', '/api/v1/report-receivers')).hubs.some((hub) => hub.hub != null && hub.organisations.length > 0), 'whom of the other hub a copy can be given to', MINUTE_MS)
  await kinki.go(`/reports/${report}/forms/jp.common.ransomware/first/police`)
  await choose(kinki, reporting.givenTo, 'National Police Agency')
  assert.deepEqual(await axe(kinki.page), [])
  await kinki.page.getByRole('button', { name: reporting.fileHere, exact: true }).click()
  await kinki.page.waitForURL(`**/reports/${report}`)
  await shot(kinki.page, 'hubs-report-given')
})

test('the police read the copy, have the file, and answer; the answer comes back', async () => {
  const { reporting } = ja
  await eventually(async () => (await asked(police, 'GET', '/api/v1/reports')).reports.length > 0, 'the copy', MINUTE_MS)
  await police.go('/reports')
  await police.page.getByRole('link', { name: reporting.givenCopy }).click()
  const link = police.page.getByRole('link', { name: 'plc.log' })
  const [download] = await Promise.all([police.page.waitForEvent('download'), link.click()])
  assert.ok((await readFile(await download.path())).equals(LOG), 'the file is the one that was attached')
  assert.deepEqual(await axe(police.page), [])
  await shot(police.page, 'hubs-report-came')
  await choose(police, reporting.answer, reporting.answers.advice)
  await police.page.getByRole('textbox', { name: reporting.text, exact: true }).fill('端末の電源は切らず、回線から外してください。')
  await police.page.getByRole('button', { name: reporting.sendAnswer, exact: true }).click()
  await kinki.go(`/reports/${report}`)
  await kinki.page.getByText('端末の電源は切らず、回線から外してください。').waitFor({ timeout: MINUTE_MS })
})

test('the police ask the operator of the other hub for evidence, on a legal basis', async () => {
  const { evidence } = ja
  room = (await asked(police, 'POST', '/api/v1/cases', { title: TITLE, severity: 2 })).summary.id
  const says = { key: crypto.randomUUID(), label: { tlp: 'amber' }, entry: { says: 'note', text: 'We have the log of the control room.' } }
  await eventually(async () => (await kinki.ask('POST', `/api/v1/cases/${room}/room`, says)).status === 200, 'the case at the other hub', MINUTE_MS)
  const path = `/api/v1/cases/${room}/evidence-requests`
  await eventually(async () => (await asked(police, 'GET', path)).askable.length > 0, 'whom of the other hub can be asked', MINUTE_MS)
  await police.go(`/cases/${room}/evidence`)
  await police.page.getByRole('button', { name: evidence.ask, exact: true }).click()
  const dialog = police.page.getByRole('dialog')
  await choose(police, evidence.requestKind, evidence.requestKinds['hand-over'])
  await field(police, evidence.asked).click()
  await shot(police.page, 'hubs-evidence-whom')
  await police.page.getByRole('option', { name: '近畿港湾' }).or(police.page.getByRole('option', { name: 'kinki' })).first().click()
  await dialog.getByRole('textbox', { name: evidence.subject }).fill('11月30日の接続記録')
  await dialog.getByRole('textbox', { name: evidence.legalBasis }).fill('刑事訴訟法第197条第2項')
  assert.deepEqual(await faults(police), [])
  await shot(police.page, 'hubs-evidence-ask')
  await dialog.getByRole('button', { name: evidence.askNow, exact: true }).click()
  await police.page.getByText(evidence.requestKinds['hand-over'], { exact: true }).waitFor()
  assert.deepEqual(await axe(police.page), [])
})

test('the operator reads what is asked and on what basis, secures its log, and hands it over', async () => {
  const { evidence } = en
  const path = `/api/v1/cases/${room}/evidence-requests`
  await eventually(async () => (await asked(kinki, 'GET', path)).requests.length > 0, 'the request', MINUTE_MS)
  await kinki.go(`/cases/${room}/room`)
  await kinki.page.getByRole('link', { name: evidence.evidence, exact: true }).click()
  await kinki.page.getByText('刑事訴訟法第197条第2項').first().waitFor()
  await shot(kinki.page, 'hubs-evidence-asked')
  const dialog = kinki.page.getByRole('dialog')
  await kinki.page.getByRole('button', { name: evidence.answer.accept, exact: true }).click()
  await dialog.getByRole('button', { name: evidence.answer.accept, exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await kinki.page.getByRole('button', { name: evidence.add, exact: true }).click()
  await kinki.page.locator('input[type="file"]').setInputFiles({ name: 'plc.log', mimeType: 'text/plain', buffer: LOG })
  await dialog.getByRole('textbox', { name: evidence.description }).fill('Log of the control room')
  await dialog.getByRole('textbox', { name: evidence.seizedWhere }).fill('Osaka')
  await dialog.getByRole('textbox', { name: evidence.reason }).fill('asked by the police')
  // It is for whoever asked alone, and for nobody else of its level.
  await field(kinki, evidence.andOrganisations).click()
  await kinki.page.getByRole('option', { name: 'National Police Agency (Yagura)' }).click()
  await kinki.page.keyboard.press('Escape')
  assert.deepEqual(await faults(kinki), [])
  await shot(kinki.page, 'hubs-evidence-label')
  await dialog.getByRole('button', { name: evidence.addNow, exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await kinki.page.getByRole('button', { name: evidence.answer.fulfil, exact: true }).click()
  await field(kinki, evidence.items).click()
  await kinki.page.getByRole('option', { name: 'plc.log' }).click()
  await kinki.page.keyboard.press('Escape')
  assert.deepEqual(await faults(kinki), [])
  await shot(kinki.page, 'hubs-evidence-fulfil')
  await dialog.getByRole('button', { name: evidence.answer.fulfil, exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  assert.deepEqual(await axe(kinki.page), [])
})

test('the police see what is handed over, by name, size and hashes, and receive it as an item of their own', async () => {
  const { evidence } = ja
  const path = `/api/v1/cases/${room}/evidence-requests`
  await eventually(async () => (await asked(police, 'GET', path)).requests[0]?.state === 'fulfilled', 'the answer', MINUTE_MS)
  await police.go(`/cases/${room}/evidence`)
  await police.page.getByText(fill(evidence.named, { count: 1 })).waitFor()
  await police.page.getByText('plc.log').first().waitFor()
  assert.deepEqual(await axe(police.page), [])
  await shot(police.page, 'hubs-evidence-named')
  await police.page.setViewportSize({ width: 390, height: 844 })
  assert.equal(await police.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'nothing is wider than a telephone')
  await shot(police.page, 'hubs-evidence-phone')
  await police.page.setViewportSize({ width: 1280, height: 800 })
  await police.page.getByRole('button', { name: evidence.receive, exact: true }).click()
  await police.page.getByRole('link', { name: evidence.received, exact: true }).click({ timeout: MINUTE_MS })
  await police.page.getByText(createHash('sha256').update(LOG).digest('hex')).first().waitFor()
  await police.page.getByText(evidence.custodyActs.received, { exact: true }).first().waitFor()
  assert.deepEqual(await axe(police.page), [])
  await shot(police.page, 'hubs-evidence-received')
})

test('nothing was complained of', () => assert.deepEqual([police.heard, kinki.heard], [[], []]))
