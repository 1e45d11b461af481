// Mail in and out of case rooms as people use it, in both languages, against the real program and a mail server that takes everything:
// one's own address, an entry that is sent, a mail that came in, and a hub that sends none. Part of `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }
import { axe, eventually, shot, startHub, startShared } from './harness.mjs'
import { enter, fill } from './people.mjs'
import { startSmtp } from './smtp.mjs'

const WORDS = { ja, en }
const DOMAIN = 'council.example.jp'
const OWN = `administrator@${DOMAIN}`
const SATO = `sato@${DOMAIN}`
const TITLE = '浄水場の異常'
const NOTE = '遠隔監視の端末に見慣れない接続があった。'
const SENT_MS = 60_000
const configuration = (port) => `[mail]
server = "127.0.0.1"
port = ${port}
security = "none"
from = "yagura@${DOMAIN}"
domains = ["${DOMAIN}"]
`
const CAME = [
  'From: =?utf-8?B?5bGx55Sw?= <yamada@port.example>', 'Subject: =?utf-8?B?5riv44Gu55Ww5bi4?=', 'Date: Mon, 30 Nov 2026 09:00:00 +0900', 'Message-ID: <4711@port.example>', 'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b', '', '--b', 'Content-Type: text/plain; charset=utf-8', '', 'クレーンが止まっています。', '--b', 'Content-Type: text/html', '', '<script>planted()</script><b>planted</b>', '--b--', '',
].join('\r\n')
// What a dialog covers by half cannot be pressed while it is open, and is no small target.
const faults = async (page) => (await axe(page)).filter((found) => !found.includes('partially obscured'))
const singular = (texts, name) => texts[`${name}_one`] ?? texts[name]

for (const language of ['ja', 'en']) describe(language, { concurrency: false }, () => mails(language))

function mails(language) {
  const words = WORDS[language]
  const { mail: own } = words.account
  const { mailOut: out, mail: came } = words.room
  const look = { language, words, scheme: language === 'ja' ? 'dark' : 'light' }
  let smtp
  let hub
  let browser
  let me
  let sato
  let room

  before(async () => {
    smtp = await startSmtp()
    hub = await startHub(configuration(smtp.port))
    browser = await startShared()
    me = await enter(browser, hub, hub.signIn, look)
    const { organisation } = (await me.ask('GET', '/api/v1/session')).body
    const added = await me.ask('POST', '/api/v1/people', { login: 'sato', name: '佐藤 恵', organisation: organisation.id, roles: ['duty_officer', 'analyst'] })
    assert.equal(added.status, 200, JSON.stringify(added.body))
    sato = await enter(browser, hub, added.body.sign_in, look)
  })
  after(async () => {
    await browser?.stop()
    await hub?.stop()
    await smtp?.stop()
  })

  /** The line of the room that says something. */
  const line = (text) => me.page.locator('[data-scope]', { hasText: text })
  const form = () => me.page.locator('form', { has: me.page.getByRole('textbox', { name: own.address }) })
  const address = () => me.page.getByRole('textbox', { name: own.address })
  const keep = async (text) => {
    await address().fill(text)
    await form().getByRole('button', { name: own.keep, exact: true }).click()
  }
  const kept = async (who) => (await who.ask('GET', '/api/v1/me/mail')).body

  test('nobody gave an address yet: the dialog says so, and where one is given', async () => {
    await me.go('/cases')
    await me.page.getByRole('button', { name: words.cases.new }).click()
    await me.page.getByRole('textbox', { name: words.cases.title }).fill(TITLE)
    await me.page.getByRole('button', { name: words.cases.open, exact: true }).click()
    await me.page.getByRole('link', { name: words.room.enter }).click()
    await me.page.getByText(words.room.empty).waitFor()
    room = new URL(me.page.url()).pathname
    await me.page.getByRole('textbox', { name: words.cases.note }).fill(NOTE)
    await me.page.getByRole('button', { name: words.room.write.side }).click()
    await line(NOTE).getByRole('button', { name: out.title }).click()
    await me.dialog.getByText(out.nobody).waitFor()
    await me.dialog.getByText(NOTE).waitFor()
    assert.equal(await me.dialog.getByRole('button', { name: out.send, exact: true }).isDisabled(), true)
    assert.deepEqual(await faults(me.page), [])
    await shot(me.page, `mail-nobody-${language}`)
    await me.dialog.getByRole('link', { name: out.giveOwn }).click()
    await address().waitFor()
  })

  test('an address is kept in the account; of one elsewhere it is said where mail goes', async () => {
    await me.go('/me')
    await keep('administrator')
    await me.page.getByText(own.fault.form).waitFor()
    await keep('administrator@elsewhere.example.net')
    await me.page.getByText(fill(own.fault.domain, { domains: DOMAIN })).waitFor()
    assert.equal(await address().getAttribute('aria-invalid'), 'true')
    assert.deepEqual(await axe(me.page), [])
    await shot(me.page, `mail-own-wrong-${language}`)
    assert.equal((await kept(me)).address ?? null, null, 'nothing was kept')
    // The hub would not have taken it either.
    assert.equal((await me.ask('PUT', '/api/v1/me/mail', { address: 'administrator@elsewhere.example.net', language })).status, 422)
    await keep(` ${OWN} `)
    await me.said(own.kept)
    assert.deepEqual([(await kept(me)).address, (await kept(me)).language], [OWN, language])
    await me.page.setViewportSize({ width: 390, height: 844 })
    await me.go('/me')
    assert.equal(await address().inputValue(), OWN)
    assert.equal(await me.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'nothing is wider than a telephone')
    assert.deepEqual(await axe(me.page), [])
    await shot(me.page, `mail-own-${language}`)
    await me.page.setViewportSize({ width: 1280, height: 800 })
  })

  test('an address is removed, and no mail reaches its owner any more', async () => {
    await me.go('/me')
    await form().getByRole('button', { name: own.remove, exact: true }).click()
    await me.said(own.removed)
    await eventually(async () => (await address().inputValue()) === '', 'an empty field')
    assert.equal((await kept(me)).address ?? null, null)
    assert.equal(await form().getByRole('button', { name: own.remove, exact: true }).count(), 0)
  })

  test('an entry is sent under its label to who may read it', async () => {
    assert.equal((await sato.ask('PUT', '/api/v1/me/mail', { address: SATO, language })).status, 204)
    await me.go(room)
    await line(NOTE).getByRole('button', { name: out.title }).click()
    await me.dialog.getByRole('combobox', { name: out.to }).or(me.dialog.getByRole('textbox', { name: out.to })).first().click()
    assert.equal(await me.page.getByRole('option', { name: /Administrator/u }).count(), 0, 'who removed the address is not offered')
    await me.page.getByRole('option', { name: /佐藤 恵/u }).click()
    await me.page.keyboard.press('Escape')
    await me.page.getByRole('option').first().waitFor({ state: 'hidden' })
    assert.deepEqual(await faults(me.page), [])
    await shot(me.page, `mail-out-${language}`)
    await me.dialog.getByRole('button', { name: out.send, exact: true }).click()
    await me.said(fill(singular(out, 'sent'), { count: 1 }))
    await me.dialog.waitFor({ state: 'detached' })
    const mail = await eventually(() => smtp.taken.find(({ to }) => to.includes(SATO)), 'the mail', SENT_MS)
    assert.deepEqual(mail.to, [SATO])
    assert.ok(mail.subject.startsWith(`TLP:AMBER [Yagura] ${language === 'ja' ? '事案' : 'entry of case'}`), mail.subject)
    assert.ok(!mail.subject.includes(TITLE), 'a subject is shown where a text is not')
    for (const part of [NOTE, TITLE, room]) assert.ok(mail.text.includes(part), `${part} is not in:\n${mail.text}`)
    assert.ok(mail.text.startsWith('TLP:AMBER\n') && mail.text.trimEnd().endsWith('\nTLP:AMBER'), mail.text)
    assert.equal(smtp.taken.length, 1)
  })

  test('what is TLP:RED is offered to no mail', async () => {
    const api = `/api/v1/cases/${room.split('/')[2]}/room`
    const { you } = (await me.ask('GET', api)).body
    const text = '名指しで聞いた話'
    const written = await me.ask('POST', api, { key: crypto.randomUUID(), label: { tlp: 'red', only: [you.organisation], stub: false }, entry: { says: 'note', text } })
    assert.equal(written.status, 200, JSON.stringify(written.body))
    await me.go(room)
    await line(text).getByText('TLP:RED', { exact: true }).waitFor()
    assert.equal(await line(text).getByRole('button', { name: out.title }).count(), 0)
    const { status, body } = await me.ask('GET', `${api}/${written.body.entry}/recipients`)
    assert.equal(status, 422, 'the hub refuses it too')
    assert.match(body.detail, /TLP:RED/u)
  })

  test('a mail that came in stands in the side room as text, with what it claims', async () => {
    const handed = await me.ask('POST', `/api/v1/cases/${room.split('/')[2]}/mail`, CAME, 'message/rfc822')
    assert.equal(handed.status, 200, JSON.stringify(handed.body))
    assert.equal(handed.body.waits, true)
    await me.go(room)
    const mail = me.page.locator('[data-scope="side"]', { hasText: 'クレーンが止まっています。' })
    await mail.getByText(fill(came.subject, { subject: '港の異常' }), { exact: true }).waitFor()
    await mail.getByText(fill(words.room.says.mailed, { from: '山田 <yamada@port.example>' })).waitFor()
    await mail.getByText(fill(came.claims, { at: '2026-11-30 09:00:00 JST' })).waitFor()
    await mail.getByText(fill(singular(came, 'parts'), { count: 1 })).click()
    await mail.getByText(/text\/html/u).waitFor()
    await mail.getByText(came.marks, { exact: true }).click()
    await mail.getByText('Message-ID 4711@port.example').waitFor()
    assert.equal(await me.page.getByText('planted').count(), 0, 'nothing of HTML is shown')
    assert.deepEqual(await axe(me.page), [])
    await shot(me.page, `mail-came-${language}`)
    await mail.getByRole('button', { name: words.room.publish, exact: true }).click()
    await me.dialog.getByRole('button', { name: words.room.publishNow }).click()
    await me.page.locator('[data-scope="room"]', { hasText: 'クレーンが止まっています。' }).waitFor()
  })

  test('nothing was complained of', () => assert.deepEqual([me.heard, sato.heard], [[], []]))
}

test('en: a hub without a mail server says so, and offers no mail', async () => {
  const hub = await startHub('')
  const browser = await startShared()
  try {
    const me = await enter(browser, hub, hub.signIn, { language: 'en', words: en })
    await me.go('/me')
    await me.page.getByText(en.account.mail.none).waitFor()
    assert.deepEqual(await axe(me.page), [])
    const { status, body } = await me.ask('PUT', '/api/v1/me/mail', { address: OWN, language: 'en' })
    assert.equal(status, 422)
    assert.match(body.detail, /sends no mail/u)
    const opened = await me.ask('POST', '/api/v1/cases', { title: TITLE, severity: 2 })
    assert.equal(opened.status, 200, JSON.stringify(opened.body))
    const id = opened.body.summary.id
    await me.go(`/cases/${id}/room`)
    await me.page.getByRole('textbox', { name: en.cases.note }).fill(NOTE)
    await me.page.getByRole('button', { name: en.room.write.side }).click()
    const note = me.page.locator('[data-scope="side"]', { hasText: NOTE })
    await note.getByRole('link', { name: en.room.asObject }).waitFor()
    assert.equal(await note.getByRole('button', { name: en.room.mailOut.title }).count(), 0)
    assert.deepEqual(me.heard, [])
  } finally {
    await browser.stop()
    await hub.stop()
  }
})
