// People at a hub, each in a browser of their own that shares nothing with the others'.
import { complaints } from './harness.mjs'

const PASSWORD = '便りを運ぶ櫓の見張り 2026'

/** Somebody signs in with a link and sets a password, with the console in a language and a scheme. */
export async function enter(browser, hub, signIn, { language, scheme = 'light', words }) {
  const context = await browser.open()
  await context.addInitScript(([lang, colours]) => {
    localStorage.setItem('yagura.language', lang)
    localStorage.setItem('yagura.scheme', colours)
  }, [language, scheme])
  const page = await context.newPage()
  await page.setViewportSize({ width: 1280, height: 800 })
  const heard = complaints(page)
  await page.goto(signIn.replace('//127.0.0.1:', '//localhost:'))
  await page.getByLabel(words.account.newPassword).fill(PASSWORD)
  await page.getByRole('button', { name: words.account.setPassword }).click()
  await page.getByRole('navigation', { name: words.shell.rail }).waitFor()
  /** Asks the hub as the console does; what is text goes as it is, as `type`. */
  const ask = (method, path, body, type = 'application/json') => page.evaluate(async ([how, address, content, media]) => {
    const session = await (await fetch('/api/v1/session')).json()
    const sent = content === undefined ? {} : { body: typeof content === 'string' ? content : JSON.stringify(content) }
    const answer = await fetch(address, { method: how, headers: { 'Content-Type': media, 'X-Yagura-CSRF': session.csrf }, ...sent })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }, [method, path, body, type])
  const go = async (path) => {
    await page.goto(hub.address + path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null)
  }
  /** What the page says at its foot was done. */
  const said = (text) => page.getByRole('status').getByText(text, { exact: true }).first().waitFor()
  return { page, heard, ask, go, said, dialog: page.getByRole('dialog') }
}

/** Fills the places of a text. */
export const fill = (text, places) => text.replace(/\{\{(\w+)\}\}/gu, (_, name) => places[name])
