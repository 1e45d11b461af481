// From a mistyped name over a search, a pivot and the graph to a case: as a person goes, in both languages.
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

const api = (path) => page.evaluate(async (address) => (await fetch(address)).json(), path)
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
  await page.getByLabel(ja.credential.newPassword ?? '新しいパスワード').fill(PASSWORD)
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  await page.getByRole('heading', { name: 'あなたを待つもの' }).waitFor()
})
after(async () => {
  await browser?.stop()
  await demo?.stop()
})

for (const [language, words] of [['ja', ja], ['en', en]]) {
  test(`${language}: a mistyped name is found, pivoted on in the graph, and what hangs on it goes into a case`, async () => {
    await look(page, language, language === 'ja' ? 'dark' : 'light')
    await go('/intelligence?q=umigri')
    await page.getByText(words.finding.similar).waitFor()
    await page.getByRole('link', { name: /UMIGIRI|海霧/u }).first().waitFor()
    await shot(page, `finding-similar-${language}`)
    await go('/intelligence?q=UMIGIRI&type=intrusion-set')
    const [actor] = (await api('/api/v1/objects?query=UMIGIRI&type=intrusion-set')).objects
    await page.getByRole('checkbox', { name: words.finding.select.replace('{{name}}', actor.name) }).check()
    assert.deepEqual(await axe(page), [])
    await page.getByRole('button', { name: words.finding.openGraph }).click()
    await eventually(async () => (await page.locator('[data-node]').count()) > 5, 'the actor with its neighbours')
    const before = await page.locator('[data-node]').count()
    // With the keyboard: choose a neighbour and show its neighbours too.
    const malware = page.locator('[data-node^="malware--"]').first()
    await malware.focus()
    await page.keyboard.press('Enter')
    assert.equal(await malware.getAttribute('aria-pressed'), 'true')
    await page.getByRole('complementary').getByRole('button', { name: words.graph.expand }).click()
    await eventually(async () => (await page.locator('[data-node]').count()) > before, 'more neighbours')
    assert.deepEqual(await axe(page), [])
    await shot(page, `finding-graph-${language}`)
    // The list holds the same as the picture.
    await page.getByText(words.graph.list, { exact: true }).click()
    await eventually(async () => {
      const told = Number(/\d+/u.exec(await page.getByTestId('graph-count').textContent())?.[0])
      return (await page.getByRole('table').first().getByRole('row').count()) === told + 1
    }, 'a row for each node that is told of')
    assert.deepEqual(await axe(page), [])
    await page.getByText(words.graph.picture, { exact: true }).click()
    await page.getByRole('button', { name: words.graph.all }).click()
    await eventually(async () => (await page.locator('[data-node][aria-pressed="true"]').count()) > 0, 'what is there is picked')
    const picked = await page.locator('[data-node][aria-pressed="true"]').evaluateAll((nodes) => nodes.map((node) => node.dataset.node))
    const objects = picked.length
    await page.getByRole('button', { name: words.graph.add.replace('{{count}}', String(objects)) }).click()
    await page.getByRole('textbox', { name: words.finding.caseTitle }).fill(`海霧 ${language}`)
    await page.getByRole('button', { name: words.finding.createNow }).click()
    await page.waitForURL(/\/cases\/incident--/u)
    const id = new URL(page.url()).pathname.split('/').at(-1)
    const opened = await api(`/api/v1/cases/${id}`)
    // Sightings may join it at once.
    const inside = new Set(opened.objects.map((object) => object.id))
    assert.deepEqual(picked.filter((one) => !inside.has(one)), [])
    await shot(page, `finding-case-${language}`)
    // And further objects into the case that is there.
    const absent = (await api('/api/v1/objects?type=course-of-action,identity,vulnerability')).objects.find((object) => !inside.has(object.id))
    await go(`/intelligence?type=${absent.object_type}`)
    await page.getByRole('checkbox', { name: words.finding.select.replace('{{name}}', absent.name), exact: true }).check()
    await page.getByRole('button', { name: words.finding.addToCase }).click()
    await page.getByRole('combobox', { name: words.finding.existingCase }).or(page.getByRole('textbox', { name: words.finding.existingCase })).first().click()
    await page.getByRole('option', { name: new RegExp(`海霧 ${language}`, 'u') }).click()
    await page.getByRole('button', { name: words.finding.addNow, exact: true }).click()
    await page.waitForURL(new RegExp(id, 'u'))
    await eventually(async () => (await api(`/api/v1/cases/${id}`)).objects.some((object) => object.id === absent.id), 'the object in the case')
  })
}

test('a path is drawn between two nodes that are chosen', async () => {
  await look(page, 'ja', 'dark')
  const [actor] = (await api('/api/v1/objects?query=UMIGIRI&type=intrusion-set')).objects
  const [other] = (await api('/api/v1/objects?query=YAMIFUDA&type=intrusion-set')).objects
  await go(`/graph?n=${encodeURIComponent(`${actor.id}\n${other.id}`)}`)
  await page.locator(`[data-node="${actor.id}"]`).focus()
  await page.keyboard.press('Enter')
  await page.locator(`[data-node="${other.id}"]`).focus()
  await page.keyboard.press('Space')
  const found = await api(`/api/v1/graph/path?one=${actor.id}&other=${other.id}`)
  await page.getByRole('button', { name: ja.graph.path }).click()
  if (found.outcome === 'found') await eventually(async () => (await page.locator('[data-node]').count()) >= found.path.length, 'the path')
  else await page.getByText(ja.graph.pathNone).waitFor()
})

test('a search is kept, opened again and forgotten', async () => {
  await go('/intelligence?q=UMIGIRI')
  await page.getByRole('button', { name: ja.finding.save }).click()
  await page.getByRole('button', { name: ja.common.save, exact: true }).click()
  await page.getByText(ja.searches.saved).waitFor()
  await go('/searches')
  await page.getByRole('link', { name: 'UMIGIRI' }).waitFor()
  await page.getByRole('button', { name: ja.searches.forget }).click()
  await page.getByText(ja.searches.none).waitFor()
})

test('every screen of finding in both languages, light and dark, at three sizes: nothing overflows, axe finds nothing', async () => {
  const [actor] = (await api('/api/v1/objects?query=UMIGIRI&type=intrusion-set')).objects
  const [other] = (await api('/api/v1/objects?query=YAMIFUDA&type=intrusion-set')).objects
  const node = encodeURIComponent(actor.id)
  const screens = {
    'finding-search': '/intelligence?q=UMIGIRI', feed: '/feed', actors: '/actors', actor: `/actors/${actor.id}`, compare: `/actors/compare?ids=${actor.id},${other.id}`,
    matrix: '/matrix', graph: `/graph?n=${node}&x=${node}`, sameness: '/sameness', searches: '/searches',
  }
  assert.deepEqual(await everyFace(page, go, screens), [])
})

test('the page never complained', () => assert.deepEqual(heard, []))
