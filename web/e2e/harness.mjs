// Starts the real program and a real browser for the tests of the console.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const HERE = new URL('..', import.meta.url).pathname
export const RESULTS = join(HERE, 'test-results')
const READY_MS = 30_000

export function program() {
  const target = process.env.CARGO_TARGET_DIR ?? join(HERE, '../target')
  const path = process.env.YAGURA_BIN ?? join(target, 'debug/yagura')
  if (!existsSync(path)) throw new Error(`${path} is not there: build it with \`cargo build -p yagura\`, or name it in YAGURA_BIN`)
  return path
}

async function run(...arguments_) {
  const child = spawn(program(), arguments_, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => { said = (said + chunk).slice(-20_000) })
  const ready = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`not ready after ${READY_MS} ms:\n${said}`)), READY_MS)
    child.on('exit', (code) => reject(new Error(`the program ended with ${code}:\n${said}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const told = JSON.parse(line)
      if (told.event !== 'ready') return
      clearTimeout(late)
      resolve(told)
    })
  })
  const stop = async () => {
    child.removeAllListeners('exit')
    const ended = new Promise((resolve) => child.on('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
  return { ready, stop }
}

/** Browsers bind passkeys to names, and an address of numbers is none. */
const named = (text) => text.replace('//127.0.0.1:', '//localhost:').replace(/\/$/u, '')

/** An empty hub with a configuration, on a free port and in a folder of its own. `files`: what words of the configuration stand for. */
export async function startHub(configuration, files = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'yagura-e2e-'))
  const config = join(folder, 'hub.toml')
  await writeFile(config, Object.entries(files).reduce((text, [word, path]) => text.replaceAll(word, path), configuration))
  const running = await run('hub', '--json', '--config', config, '--listen', '127.0.0.1:0', '--data', join(folder, 'data'))
  return {
    address: named(running.ready.address),
    signIn: named(running.ready.sign_in),
    stop: async () => {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The demonstration, on a free port and in a folder of its own. It can go away for a while and come back. */
export async function startDemo() {
  const folder = await mkdtemp(join(tmpdir(), 'yagura-e2e-'))
  const demo = (listen) => run('demo', '--json', '--listen', listen, '--data', join(folder, 'data'))
  let running = await demo('127.0.0.1:0')
  const { address, sign_in } = running.ready
  return {
    address: named(address),
    signIn: named(sign_in),
    pause: () => running.stop(),
    resume: async () => { running = await demo(new URL(address).host) },
    stop: async () => {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const LAUNCH = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
}
const PLACE = { locale: 'ja-JP', timezoneId: 'Asia/Tokyo', viewport: { width: 1280, height: 800 } }

/** One browser for several people, each in a context that shares nothing with the others. */
export async function startShared() {
  await mkdir(RESULTS, { recursive: true })
  const browser = await chromium.launch(LAUNCH)
  return {
    open: async () => {
      const context = await browser.newContext(PLACE)
      context.setDefaultTimeout(15_000)
      return context
    },
    stop: () => browser.close(),
  }
}

export async function startBrowser() {
  await mkdir(RESULTS, { recursive: true })
  const profile = await mkdtemp(join(tmpdir(), 'yagura-chromium-'))
  const context = await chromium.launchPersistentContext(profile, { ...LAUNCH, ...PLACE })
  context.setDefaultTimeout(15_000)
  return { context, stop: async () => { await context.close(); await rm(profile, { recursive: true, force: true }) } }
}

/** Whatever the page complains of; a test looks at it in the end. */
export function complaints(page) {
  const heard = []
  page.on('pageerror', (error) => heard.push(error.message))
  page.on('console', (message) => {
    // A refused request is an answer, and the tests of refusals cause some; everything else is a fault.
    if (message.type() === 'error' && !/Failed to load resource|net::ERR_INTERNET_DISCONNECTED/u.test(message.text())) heard.push(message.text())
  })
  return heard
}

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// Of what is in order nothing is told; and nothing is fetched for the rules on sound and on turned screens, which find nothing here.
const AXE_OPTIONS = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'], preload: false }

/** What axe finds on a page, one line each. */
export async function axe(page) {
  // Injected over the debugging protocol: the page's own policy lets no foreign script in.
  await page.evaluate(AXE)
  const { violations } = await page.evaluate((options) => globalThis.axe.run(options), AXE_OPTIONS)
  return violations.flatMap((found) => found.nodes.map((node) => `${found.id}: ${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim()}`))
}

export const shot = (page, name) => page.screenshot({ path: join(RESULTS, `${name}.png`) })

/** Waits until a question about the page has a truthy answer, and gives it back. */
export async function eventually(ask, what, forMs = 20_000) {
  const end = Date.now() + forMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`after ${forMs} ms still not: ${what}`)
    await new Promise((resolve) => { setTimeout(resolve, 100) })
  }
}

const [DESK, WALL, TELEPHONE] = [[1280, 800], [1920, 1080], [390, 844]]

const SIZES = [DESK, WALL, TELEPHONE]

/**
 * The sizes in which a screen is looked at. Those beside a desk's are looked at in one scheme of each language: what is too wide is so in any
 * colour.
 */
export const sizesOf = (language, scheme) => (scheme === (language === 'ja' ? 'light' : 'dark') ? SIZES : [DESK])

/** How many pixels a page is wider than its window. */
export const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

export async function look(page, language, scheme) {
  await page.evaluate(([lang, colours]) => {
    localStorage.setItem('yagura.language', lang)
    localStorage.setItem('yagura.scheme', colours)
  }, [language, scheme])
}

/** Looks at the screen that is open in some sizes, one after the other as a window is drawn, and gives what is wrong with it. */
export async function everySize(page, name, sizes, how = {}) {
  const wrong = []
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height })
    // What depends on the size is drawn anew in the frame after this one.
    await page.evaluate(() => new Promise((drawn) => { requestAnimationFrame(() => requestAnimationFrame(drawn)) }))
    const where = name.replace('{width}', width)
    const excess = await sideways(page)
    if (excess > 0) wrong.push(`${where}: ${excess} px too wide`)
    // A wall shows what a desk does.
    if (width !== WALL[0]) wrong.push(...(await axe(page)).map((found) => `${where}: ${found}`))
    await page.screenshot({ path: join(RESULTS, `${where}.png`), ...how })
  }
  await page.setViewportSize({ width: DESK[0], height: DESK[1] })
  return wrong
}

/** Looks at screens (name → path) in both languages, light and dark, in every size, and gives what is wrong. `prepare`: what is done on one first. */
export async function everyFace(page, go, screens, prepare = async () => {}) {
  const wrong = []
  for (const language of ['ja', 'en']) {
    for (const scheme of ['light', 'dark']) {
      await look(page, language, scheme)
      for (const [name, path] of Object.entries(screens)) {
        await go(path)
        await prepare(name, language)
        wrong.push(...await everySize(page, `${name}-{width}-${language}-${scheme}`, sizesOf(language, scheme)))
      }
    }
  }
  return wrong
}
