// The console as a person uses it, against the real program: `npm run e2e`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { axe, complaints, eventually, everyFace, shot, startBrowser, startDemo } from './harness.mjs'

const PASSWORD = '見張りの櫓から港を見る 2026'
let demo
let browser
let page
let heard

const api = (path) => page.evaluate(async (address) => (await fetch(address)).json(), path)
const go = async (path) => {
  await page.goto(demo.address + path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
}
const signOut = async () => {
  await page.getByRole('button', { name: /のメニュー$/u }).click()
  await page.getByRole('menuitem', { name: 'サインアウト' }).click()
  await page.getByRole('heading', { name: 'サインイン', level: 1 }).waitFor()
}
const signInByPassword = async (login) => {
  await page.getByLabel('サインイン名').fill(login)
  await page.getByLabel('パスワード', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'サインイン', exact: true }).click()
}
const onBoard = () => page.getByRole('heading', { name: 'あなたを待つもの' }).waitFor()

before(async () => {
  demo = await startDemo()
  browser = await startBrowser()
  page = await browser.context.newPage()
  heard = complaints(page)
})
after(async () => {
  await browser?.stop()
  await demo?.stop()
})

let login

test('the one-time link signs in, is taken out of the address, and asks for a way back in', async () => {
  await page.goto(demo.signIn)
  await page.getByRole('heading', { name: '次回からのサインイン方法' }).waitFor()
  assert.equal(new URL(page.url()).hash, '')
  login = (await api('/api/v1/session')).person.login
  assert.deepEqual(await axe(page), [])
  await shot(page, 'credential')
  await page.getByLabel('新しいパスワード').fill('短い')
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  await page.getByText('12文字以上にしてください').waitFor()
  await page.getByLabel('新しいパスワード').fill(PASSWORD)
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  await onBoard()
})

test('the link works once', async () => {
  const other = await browser.context.browser()?.newContext?.().catch(() => undefined)
  const stranger = other ? await other.newPage() : page
  if (!other) await signOut()
  await stranger.goto(demo.signIn)
  await stranger.getByText(/このリンクは使えません|This link does not work/u).waitFor()
  await other?.close()
  if (!other) {
    await signInByPassword(login)
    await onBoard()
  }
})

test('the board comes alive: sightings arrive and a case opens', async () => {
  await go('/')
  await page.getByText('ライブ').waitFor()
  const newest = page.getByRole('list', { name: '最新の目撃' }).getByRole('listitem')
  await eventually(async () => (await newest.count()) > 0, 'a first sighting', 30_000)
  // Rows that the board was loaded with do not glow: these came over the stream, without a new page.
  await eventually(async () => (await newest.locator('.fresh').count()) > 0, 'a row that came live and glows', 60_000)
  const cases = page.locator('a[href^="/cases/incident--"]')
  await eventually(async () => (await cases.count()) > 0, 'an open case', 60_000)
  const board = await api('/api/v1/board')
  const gravest = board.cases[0]
  assert.ok(await page.locator(`a[href="/cases/${gravest.id}"]`).first().isVisible())
  for (const sector of gravest.sectors) {
    const level = await page.locator(`a[href="/cases?sector=${sector}"]`).getAttribute('data-level')
    assert.ok(Number(level) >= gravest.severity, `${sector} shows ${level}`)
  }
  assert.equal(await page.locator('[data-code]').count(), 47)
  assert.deepEqual(await axe(page), [])
  await shot(page, 'board')
})

test('the map is walked with the keyboard, and charts have table twins', async () => {
  const tile = page.locator('[data-code][tabindex="0"]')
  await tile.focus()
  const first = await tile.getAttribute('data-code')
  await page.keyboard.press('ArrowLeft')
  assert.notEqual(await page.locator('[data-code]:focus').getAttribute('data-code'), first)
  const twins = page.getByRole('button', { name: '表で見る' })
  while ((await twins.count()) > 0) await twins.first().click()
  assert.equal(await page.getByRole('table').count(), 2)
  assert.deepEqual(await axe(page), [])
})

test('while the hub is away its age is told, and the stream goes on without a gap when it is back', async () => {
  await go('/')
  await page.getByText('ライブ').waitFor()
  await demo.pause()
  await page.getByText('接続が切れています').waitFor({ timeout: 30_000 })
  await shot(page, 'board-stale')
  await demo.resume()
  await page.getByText('ライブ').waitFor({ timeout: 60_000 })
  const list = page.getByRole('list', { name: '最新の目撃' })
  const shown = () => list.locator('a time').evaluateAll((times) => times.map((time) => time.getAttribute('datetime')))
  await eventually(async () => {
    const wanted = (await api('/api/v1/board')).sightings.map((one) => one.date_added)
    const got = await shown()
    // A sighting may come between the two questions; nothing may be missing below the newest.
    return wanted.slice(3, 40).every((at) => got.includes(at))
  }, 'every sighting of the board on the screen')
})

test('search finds in Japanese, and by a value written so that nobody clicks', async () => {
  await go('/intelligence')
  const field = page.getByRole('searchbox')
  const { objects } = await api('/api/v1/objects?type=indicator&limit=200')
  await field.fill('電力')
  await eventually(async () => /q=%E9%9B%BB%E5%8A%9B/u.test(page.url()), 'the search in the address')
  const found = await api(`/api/v1/objects?query=${encodeURIComponent('電力')}`)
  assert.ok(found.count > 0)
  await eventually(async () => (await page.getByTestId('count').textContent())?.startsWith(String(found.count)), 'the count of the search')
  assert.deepEqual(await axe(page), [])
  await shot(page, 'search')
  const address = objects.map((one) => /\d+\.\d+\.\d+\.\d+/u.exec(one.name)?.[0]).find(Boolean)
  if (address) {
    await field.fill(address.replaceAll('.', '[.]'))
    await page.getByText('として検索:').waitFor()
    await eventually(async () => (await page.locator('a[data-row]').count()) > 0, 'what mentions the value')
  }
  await field.fill('そのような言葉はどこにもない')
  await page.getByText('見つかりません').waitFor()
})

test('the list is walked with j and k, Enter opens', async () => {
  await go('/intelligence?type=indicator')
  await page.locator('a[data-row]').first().waitFor()
  await page.getByRole('heading', { level: 1 }).click()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('k')
  assert.equal(await page.locator('a[data-row][data-active]').count(), 1)
  const target = await page.locator('a[data-row][data-active]').getAttribute('href')
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.pathname === target)
})

test('an object page tells what it is, why it is believed, who sees it, and what refers to it', async () => {
  const { sightings } = await api('/api/v1/board')
  await go(`/intelligence/${sightings[0].indicator}`)
  for (const name of ['内容', '信じる理由', '目撃', '関連']) await page.getByRole('heading', { name, exact: true }).waitFor()
  assert.ok(await page.locator('pre').first().isVisible())
  await page.getByRole('button', { name: '閲覧できる人' }).click()
  const drawer = page.getByRole('dialog', { name: '閲覧できる人' })
  await drawer.getByText(/^閲覧できる組織 \d+/u).waitFor()
  assert.ok((await drawer.getByRole('listitem').count()) > 0)
  assert.deepEqual(await axe(page), [])
  await page.keyboard.press('Escape')
  await page.getByRole('tab', { name: 'JSON' }).click()
  const shown = JSON.parse(await page.locator('pre').textContent())
  assert.equal(shown.id, sightings[0].indicator)
  await shot(page, 'object')
})

test('a case is worked: severity with undo, assignment, note, close and reopen', async () => {
  const { cases } = await api('/api/v1/board')
  const { id } = cases[0]
  const current = async () => (await api(`/api/v1/cases/${id}`)).summary
  const before = await current()
  await go(`/cases/${id}`)
  const wanted = before.severity === 5 ? 2 : 5
  await page.getByRole('button', { name: '重大度' }).click()
  await page.getByRole('menuitem', { name: new RegExp(`^${wanted}`, 'u') }).click()
  await eventually(async () => (await current()).severity === wanted, 'the new severity at the hub')
  await page.getByRole('button', { name: '元に戻す' }).click()
  await eventually(async () => (await current()).severity === before.severity, 'the old severity at the hub')

  await page.getByRole('button', { name: '担当者', exact: true }).click()
  await page.getByRole('menuitem', { name: /（自分）$/u }).click()
  await eventually(async () => (await current()).assignee !== null, 'an assignee')

  const note = '近畿の当直と電話。保守用アカウントを停止した。'
  await page.getByLabel('メモ', { exact: true }).fill(note)
  await page.keyboard.press('Control+Enter')
  await page.getByRole('listitem').getByText(note).waitFor()
  assert.equal(await page.getByLabel('メモ', { exact: true }).inputValue(), '')
  assert.deepEqual(await axe(page), [])
  await shot(page, 'case')

  await page.getByRole('button', { name: '終結する' }).click()
  await page.getByLabel('理由（任意）').fill('対処を終えた')
  await page.getByRole('dialog').getByRole('button', { name: '終結する' }).click()
  await eventually(async () => (await current()).state === 'closed', 'the case closed')
  await page.getByRole('button', { name: '再開する' }).click()
  await eventually(async () => (await current()).state === 'open', 'the case open again')
})

test('a change that comes too late keeps what was typed and shows the newest', async () => {
  const [{ id }] = (await api('/api/v1/cases?state=open')).cases
  await go(`/cases/${id}`)
  await page.getByLabel('メモ', { exact: true }).fill('書きかけの文章')
  // Somebody else is faster: changes the severity while the page's own change is on its way.
  const { csrf } = await api('/api/v1/session')
  const address = `${demo.address}/api/v1/cases/${id}`
  let overtaken = false
  await page.route(address, async (route) => {
    if (route.request().method() !== 'PATCH' || overtaken) return route.continue()
    overtaken = true
    await eventually(async () => {
      const { summary } = await (await page.request.get(address)).json()
      const severity = summary.severity === 2 ? 3 : 2
      return (await page.request.patch(address, { headers: { 'X-Yagura-CSRF': csrf }, data: { revision: summary.revision, severity } })).ok()
    }, 'the change of somebody else')
    return route.continue()
  })
  await page.getByRole('button', { name: '重大度' }).click()
  await page.getByRole('menuitem').filter({ hasText: '1' }).click()
  await page.getByText('ほかの人が先に変更しました').waitFor()
  await page.getByText('conflict', { exact: true }).waitFor()
  await page.unroute(address)
  assert.equal(await page.getByLabel('メモ', { exact: true }).inputValue(), '書きかけの文章')
  await page.reload()
  await page.getByRole('heading', { level: 1 }).waitFor()
  assert.equal(await page.getByLabel('メモ', { exact: true }).inputValue(), '書きかけの文章')
  await page.getByLabel('メモ', { exact: true }).fill('')
})

test('edges show health, indicator set and what left', async () => {
  await go('/edges')
  const rows = page.getByRole('row')
  await eventually(async () => (await rows.count()) >= 3, 'two edges')
  await page.getByText('正常').first().waitFor()
  assert.deepEqual(await axe(page), [])
  await shot(page, 'edges')
  const { edges } = await api('/api/v1/edges')
  const busy = edges.find((edge) => (edge.hello?.sent ?? 0) > 0) ?? edges[0]
  await go(`/edges/${busy.id}`)
  await page.getByRole('heading', { name: '外に出たもの' }).waitFor()
  await eventually(async () => (await page.locator('a[href^="/intelligence/sighting--"]').count()) > 0, 'a line of the ledger')
  await shot(page, 'edge')
})

test('an edge is registered and its token shown once', async () => {
  await go('/edges')
  await page.getByRole('button', { name: 'エッジを登録' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('組織', { exact: true }).and(page.locator('input')).click()
  await page.getByRole('option').nth(1).click()
  await dialog.getByLabel('名称').fill('試験用の監視点')
  await dialog.getByLabel('短い名前').fill('ＴＥＳＴ-1')
  assert.equal(await dialog.getByLabel('短い名前').inputValue(), 'test-1')
  await dialog.getByRole('button', { name: 'エッジを登録' }).click()
  await dialog.getByText('この画面でだけ表示されます').waitFor()
  assert.match(await dialog.locator('code').textContent(), /^ye_/u)
  await dialog.getByRole('button', { name: '控えました' }).click()
  await page.getByText('試験用の監視点').waitFor()
})

test('an edge is removed after a question', async () => {
  await go('/edges/test-1')
  await page.getByRole('button', { name: '登録を削除' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('トークンは直ちに無効になり').waitFor()
  assert.deepEqual(await axe(page), [])
  await shot(page, 'edge-remove')
  await dialog.getByRole('button', { name: '取消' }).click()
  assert.equal((await api('/api/v1/edges/test-1')).id, 'test-1', 'nothing happens without a yes')
  await page.getByRole('button', { name: '登録を削除' }).click()
  await dialog.getByRole('button', { name: '登録を削除' }).click()
  await page.waitForURL((url) => url.pathname === '/edges')
  await page.getByText('エッジの登録を削除しました').waitFor()
  assert.equal((await api('/api/v1/edges/test-1')).code, 'not-found')
})

test('a table is sorted by its heads and copied for a spreadsheet', async () => {
  await go('/administration/organisations')
  const names = () => page.locator('tbody tr td.mono').allTextContents()
  const came = await names()
  const head = page.getByRole('button', { name: '短い名前' })
  await head.click()
  const up = await names()
  assert.deepEqual(up, [...came].sort())
  await head.click()
  assert.deepEqual(await names(), [...up].reverse())
  await head.click()
  assert.deepEqual(await names(), came)
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByRole('button', { name: '表をコピー' }).click()
  const lines = (await page.evaluate(() => navigator.clipboard.readText())).split('\n')
  assert.equal(lines.length, came.length + 1)
  assert.ok(lines.every((line) => line.split('\t').length === 5), lines[1])
})

test('a bundle is pasted, looked at, published byte for byte, and withdrawn after a question', async () => {
  const id = `indicator--${crypto.randomUUID()}`
  const green = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
  const one = `{"type":"indicator","spec_version":"2.1","id":"${id}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"貼り付けた目印","pattern":"[ipv4-addr:value = '203.0.113.77']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","object_marking_refs":["${green}"],"x_weight":1.50}`
  const bad = `{"type":"indicator","spec_version":"2.1","id":"indicator--${crypto.randomUUID()}","created":"2026-01-01T00:00:00.000Z","modified":"yesterday","pattern":"[x:y = 1]","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`
  await go('/intelligence')
  await page.getByRole('link', { name: '公開', exact: true }).click()
  const dialog = page.getByRole('dialog')
  const paste = page.getByLabel('公開するもの')
  await paste.fill('{"type":"bundle"')
  await page.getByText('JSON として読めません').waitFor()
  await paste.fill(`{"type":"bundle","id":"bundle--${crypto.randomUUID()}","objects":[${one},${bad}]}`)
  await page.getByText('1件に取扱いの表示がありません').waitFor()
  await page.getByText('1件は受理されません').waitFor()
  assert.deepEqual(await axe(page), [])
  await shot(page, 'publish')
  await page.getByRole('button', { name: '1件を公開する' }).click()
  await page.getByText('受理 1件、既にあるもの 0件、拒否 1件').waitFor()
  await page.getByText('modified').first().waitFor()
  await shot(page, 'published')
  await go(`/intelligence/${id}`)
  const kept = await page.evaluate(async (object) => {
    const taxii = async (address) => (await fetch(address, { headers: { Accept: 'application/taxii+json;version=2.1' } })).text()
    const { collections } = JSON.parse(await taxii('/council/collections/'))
    return taxii(`/council/collections/${collections[0].id}/objects/${object}/`)
  }, id)
  assert.ok(kept.includes(one), 'what was pasted is what goes out, byte for byte')
  await page.getByRole('button', { name: 'その他の操作' }).click()
  await page.getByRole('menuitem', { name: '取り下げる' }).click()
  await dialog.getByText('元に戻せません').waitFor()
  assert.deepEqual(await axe(page), [])
  await shot(page, 'withdraw')
  await dialog.getByRole('button', { name: '取り下げる' }).click()
  await page.waitForURL((url) => url.pathname === '/intelligence')
  assert.equal((await api(`/api/v1/objects/${id}`)).code, 'not-found')
})

test('what the hub refuses is told in the question, and the question stays', async () => {
  const { sightings } = await api('/api/v1/board')
  await go(`/intelligence/${sightings[0].indicator}`)
  await page.route('**/api/v1/objects/*', (route) => (route.request().method() === 'DELETE'
    ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'not allowed', status: 403, code: 'not-allowed', detail: 'another organisation brought this in' }) })
    : route.fallback()))
  await page.getByRole('button', { name: 'その他の操作' }).click()
  await page.getByRole('menuitem', { name: '取り下げる' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: '取り下げる' }).click()
  await dialog.getByText('この操作は許可されていません').waitFor()
  await dialog.getByRole('button', { name: '取消' }).click()
  await page.unroute('**/api/v1/objects/*')
})

test('Ctrl-K goes to a case by its number, and Enter of an input method does nothing', async () => {
  await go('/')
  const [one] = (await api('/api/v1/cases?state=all')).cases
  await page.keyboard.press('Control+k')
  const box = page.getByRole('combobox', { name: '検索・移動' })
  await box.waitFor()
  await shot(page, 'palette')
  assert.deepEqual(await axe(page), [])

  const cdp = await browser.context.newCDPSession(page)
  const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 }
  await cdp.send('Input.imeSetComposition', { text: 'でんりょく', selectionStart: 5, selectionEnd: 5 })
  await cdp.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter })
  await cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter })
  await cdp.send('Input.insertText', { text: '電力' })
  // Safari's order: the composition is over when Enter comes, with key code 229.
  await cdp.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter, windowsVirtualKeyCode: 229 })
  assert.equal(await box.inputValue(), '電力')
  assert.equal(new URL(page.url()).pathname, '/')
  assert.ok(await box.isVisible())

  await box.fill(`#${one.number}`)
  await page.getByRole('option', { selected: true }).filter({ hasText: `#${one.number}` }).waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.pathname === `/cases/${one.id}`)
})

test('keys lead everywhere, and ? tells them', async () => {
  await go('/cases')
  for (const [keys, path] of [['gi', '/intelligence'], ['ge', '/edges'], ['gb', '/']]) {
    if (path === '/edges') await page.getByRole('heading', { level: 1 }).click()
    await page.keyboard.press(keys[0])
    await page.keyboard.press(keys[1])
    await page.waitForURL((url) => url.pathname === path)
  }
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'キー操作' }).waitFor()
  assert.deepEqual(await axe(page), [])
  await page.keyboard.press('Escape')
  await page.keyboard.press('Tab')
})

test('a passkey is made, and signs in without a name', async () => {
  const cdp = await browser.context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  })
  await go('/me')
  await page.getByLabel('パスキーの名前').fill('試験用の端末')
  await page.getByRole('button', { name: 'パスキーを追加' }).click()
  await page.getByRole('listitem').filter({ hasText: '試験用の端末' }).waitFor()
  assert.deepEqual(await axe(page), [])
  await signOut()
  await page.getByRole('button', { name: 'パスキーでサインイン' }).click()
  await onBoard()
  assert.equal((await api('/api/v1/session')).person.login, login)
})

test('a sign-in that is too old is asked for again, and what was entered stays', async () => {
  await go('/me')
  let isOld = true
  await page.route('**/api/v1/me/password', (route) => (isOld
    ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'prove again who you are', status: 403, code: 'fresh-proof-needed' }) })
    : route.fallback()))
  await page.getByLabel('新しいパスワード').fill(PASSWORD)
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('heading', { name: '本人確認' }).waitFor()
  assert.deepEqual(await axe(page), [])
  await shot(page, 'prove')
  const before = (await api('/api/v1/session')).csrf
  await dialog.getByLabel('パスワード', { exact: true }).fill(PASSWORD)
  isOld = false
  await dialog.getByRole('button', { name: '続ける' }).click()
  await page.getByText('パスワードを設定しました').waitFor()
  assert.notEqual((await api('/api/v1/session')).csrf, before, 'the session was replaced')
  await page.unroute('**/api/v1/me/password')
})

test('sign-in by password refuses a wrong one and leads back to where one was', async () => {
  await signOut()
  await page.goto(`${demo.address}/cases?filter=all`)
  await page.getByLabel('サインイン名').fill(login)
  await page.getByLabel('パスワード', { exact: true }).fill('それは違う合言葉です')
  await page.getByRole('button', { name: 'サインイン', exact: true }).click()
  await page.getByText('サインインできませんでした').waitFor()
  assert.deepEqual(await axe(page), [])
  await signInByPassword(login)
  await page.waitForURL((url) => url.pathname === '/cases' && url.search === '?filter=all')
})

test('administration lists organisations, people, tokens and the audit log', async () => {
  for (const part of ['organisations', 'people', 'tokens', 'audit']) {
    await go(`/administration/${part}`)
    await page.waitForLoadState('networkidle').catch(() => {})
    assert.deepEqual(await axe(page), [], part)
  }
  await page.getByRole('row').nth(1).waitFor()
  await shot(page, 'audit')
})

test('every screen in both languages, light and dark, at three sizes: nothing overflows, axe finds nothing', async () => {
  const [one] = (await api('/api/v1/cases?state=all')).cases
  const { sightings } = await api('/api/v1/board')
  const { edges } = await api('/api/v1/edges')
  const screens = { board: '/', search: `/intelligence?q=${encodeURIComponent('電力')}`, object: `/intelligence/${sightings[0].indicator}`, cases: '/cases?filter=all', case: `/cases/${one.id}`, edges: '/edges', edge: `/edges/${(edges.find((each) => each.hello !== null) ?? edges[0]).id}`, me: '/me', missing: '/nowhere' }
  assert.deepEqual(await everyFace(page, go, screens), [])
})

test('the page never complained', () => assert.deepEqual(heard, []))
