// Takes pictures of the console and lets axe look at each: `node dev/look.mjs [address] [page…]`, into test-results/look. `WHOLE=yes`: of whole
// pages, also of what is below the window's edge.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

import { FACES } from './look-faces.mjs'

const [address = 'http://127.0.0.1:8441', ...wanted] = process.argv.slice(2)
const SIZES = (process.env.SIZES ?? '1280x800,1920x1080,390x844').split(',').map((size) => size.split('x').map(Number))
const LOOKS = (process.env.LOOKS ?? 'ja-dark,en-light').split(',').map((look) => look.split('-'))
const OUT = new URL('../test-results/look/', import.meta.url).pathname
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const get = async (path) => (await fetch(address + path)).json()
// The first that was opened: the stand-in opens more while it runs.
const [one] = (await get('/api/v1/cases')).cases.sort((a, b) => a.number - b.number)
const { edges } = await get('/api/v1/edges')
const { objects } = await get('/api/v1/objects?query=198.51.100.23&type=indicator')
const PAGES = FACES({ case: one?.id, edge: edges[0]?.id, object: objects[0]?.id })

await mkdir(OUT, { recursive: true })
const profile = await mkdtemp(join(tmpdir(), 'yagura-look-'))
const browser = await chromium.launchPersistentContext(profile, { executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
let findings = 0
for (const [language, scheme] of LOOKS) {
  for (const [width, height] of SIZES) {
    const page = await browser.newPage()
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && console.log(`  ${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => console.log(`  page: ${error.message}`))
    await page.setViewportSize({ width, height })
    await page.addInitScript(([lang, look]) => { localStorage.setItem('yagura.language', lang); localStorage.setItem('yagura.scheme', look) }, [language, scheme])
    for (const [name, { path, act }] of Object.entries(PAGES)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue
      await page.goto(address + path)
      await page.waitForSelector('h1')
      await page.waitForTimeout(700)
      if (act) await act(page)
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      if (sideways > 0) console.log(`${name} ${width} ${language} ${scheme}: ${sideways} px too wide`)
      await page.screenshot({ path: join(OUT, `${name}-${width}-${language}-${scheme}.png`), fullPage: process.env.WHOLE === 'yes' })
      await page.evaluate(AXE)
      const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
      for (const found of violations) {
        findings += 1
        console.log(`${name} ${width} ${language} ${scheme}: ${found.id}: ${found.help}`)
        for (const node of found.nodes.slice(0, 3)) console.log(`    ${node.target.join(' ')} | ${node.failureSummary?.split('\n')[1]?.trim()}`)
      }
    }
    await page.close()
  }
}
console.log(`${findings} findings`)
await browser.close()
await rm(profile, { recursive: true, force: true })
