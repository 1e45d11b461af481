// Every face of the console that `look.mjs` takes a picture of: an address, and what has to be done there first.
import ja from '../src/locales/ja.json' with { type: 'json' }
import en from '../src/locales/en.json' with { type: 'json' }

const OWN = 'incident--0f5e2b1c-0000-4000-8000-00000000a001'
const CAME = 'incident--0f5e2b1c-0000-4000-8000-00000000a002'

/** A button or link by what it says, in whichever language the page is. */
const press = async (page, say) => {
  for (const words of [ja, en]) {
    const found = page.getByRole('button', { name: say(words), exact: true }).first()
    if ((await found.count()) > 0) {
      await found.click()
      await page.waitForTimeout(400)
      return
    }
  }
  throw new Error(`nothing says ${say(en)}`)
}
const field = (page, say) => page.getByRole('textbox', { name: say(ja) }).or(page.getByRole('textbox', { name: say(en) })).or(page.getByRole('combobox', { name: say(ja) })).or(page.getByRole('combobox', { name: say(en) })).first()
const pick = async (page, say, ...places) => {
  await field(page, say).click()
  for (const place of places) await page.getByRole('option').nth(place).click()
  await page.waitForTimeout(300)
}

async function mailOut(page) {
  await press(page, (words) => words.room.mailOut.title)
}

async function mailChosen(page, ...places) {
  await mailOut(page)
  await pick(page, (words) => words.room.mailOut.to, ...places)
}

async function mailRefused(page) {
  await mailChosen(page, 2)
  await page.keyboard.press('Escape')
  await press(page, (words) => words.room.mailOut.send)
}

async function ownMail(page, address) {
  await field(page, (words) => words.account.mail.address).fill(address)
  await page.locator('form', { has: field(page, (words) => words.account.mail.address) }).getByRole('button').first().click()
  await page.waitForTimeout(500)
}

const paths = {
  board: '/', search: '/intelligence?q=%E9%9B%BB%E5%8A%9B', cases: '/cases?filter=all', edges: '/edges', organisations: '/administration/organisations', audit: '/administration/audit', playbooks: '/response/playbooks',
  playbook: '/response/playbooks/playbook--801895b4-e145-4e44-bab4-6dfe37dff3f2', run: '/response/runs/run-1', approvals: '/response/approvals', orders: '/response/orders?show=all', requests: '/response/requests', outreach: '/response/outreach',
  reviews: '/response/reviews', account: '/me', missing: '/nowhere', entrance: '/sign-in', reports: '/reports', 'report-new': '/reports/new', 'report-profile': '/reports/profile', report: `/reports/${OWN}`, 'report-came': `/reports/${CAME}`,
  'report-form': `/reports/${OWN}/forms/jp.common.ransomware/first/police`,
}

export function FACES({ case: one, edge, object }) {
  const room = `/cases/${one}/room`
  const form = paths['report-form']
  return {
    ...Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, { path }])),
    object: { path: `/intelligence/${object}` }, edge: { path: `/edges/${edge}` }, case: { path: `/cases/${one}` }, evidence: { path: `/cases/${one}/evidence` },
    exhibit: { path: `/cases/${one}/evidence/5a1c6f0e-7d5b-4b6e-9d0e-1f2a3b4c5d6e` }, room: { path: room }, brief: { path: `/cases/${one}/brief` },
    'mail-out': { path: room, act: mailOut }, 'mail-chosen': { path: room, act: (page) => mailChosen(page, 0, 3) }, 'mail-refused': { path: room, act: mailRefused },
    'own-mail-wrong': { path: '/me', act: (page) => ownMail(page, 'sato@elsewhere.example.net') }, 'own-mail': { path: '/me', act: (page) => ownMail(page, 'sato@council.example.jp') },
    'report-to': { path: form, act: (page) => pick(page, (words) => words.reporting.givenTo) }, 'report-to-chosen': { path: form, act: (page) => pick(page, (words) => words.reporting.givenTo, 1) },
    'report-refused': { path: form, act: async (page) => { await pick(page, (words) => words.reporting.givenTo, 2); await press(page, (words) => words.reporting.fileHere) } },
  }
}
