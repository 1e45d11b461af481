// Takes the README's picture of the console from the real demonstration: `npm run picture`.
import { mkdir } from 'node:fs/promises'

import { eventually, look, startBrowser, startDemo } from '../e2e/harness.mjs'

const OUT = new URL('../../docs/images/console.png', import.meta.url).pathname
const STORY_MS = 100_000

const demo = await startDemo()
const browser = await startBrowser()
try {
  const page = await browser.context.newPage()
  await page.setViewportSize({ width: 1600, height: 1000 })
  await page.goto(demo.signIn)
  await look(page, 'ja', 'dark')
  await page.getByLabel('新しいパスワード').fill('見張りの櫓から港を見る 2026')
  await page.getByRole('button', { name: 'パスワードを設定' }).click()
  await page.getByRole('heading', { name: 'あなたを待つもの' }).waitFor()
  await page.goto(`${demo.address}/`)
  await page.locator('a[href^="/cases/incident--"]').first().waitFor({ timeout: 60_000 })
  await new Promise((resolve) => { setTimeout(resolve, STORY_MS) })
  await eventually(async () => (await page.locator('.fresh').count()) > 0, 'a sighting that just came', 60_000)
  await page.mouse.move(800, 5)
  await mkdir(new URL('.', `file://${OUT}`).pathname, { recursive: true })
  await page.screenshot({ path: OUT })
} finally {
  await browser.stop()
  await demo.stop()
}
