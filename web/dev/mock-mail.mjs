// One's own mail address, and who can be sent an entry of a room by mail. `MOCK_MAIL`: `off` for a hub that sends none, `nobody` for one
// at which nobody gave an address yet.
import { ago } from './mock-data.mjs'
import { Refusal } from './mock-refusal.mjs'
import { NAMES, roomPeople } from './mock-room.mjs'

const DOMAINS = process.env.MOCK_MAIL === 'off' ? [] : ['council.example.jp', 'kinki-power.example.jp']
let own = null

function keep({ address, language }) {
  if (DOMAINS.length === 0) throw new Refusal(422, 'unprocessable', 'this hub sends no mail; its operator sets `mail`')
  if (!DOMAINS.some((domain) => address.trim().toLowerCase().endsWith(`@${domain}`))) throw new Refusal(422, 'unprocessable', `address: it is one of ${DOMAINS.join(', ')} only`)
  own = { address: address.trim(), language }
}

const recipients = () => {
  if (DOMAINS.length === 0) throw new Refusal(422, 'unprocessable', 'this hub sends no mail; its operator sets `mail`')
  const nobody = process.env.MOCK_MAIL === 'nobody'
  return {
    persons: nobody ? [] : [{ account: 'p2', organisation: 'h1.council' }, { account: 'p3', organisation: 'h1.kinki-power' }],
    members: nobody ? [] : ['h1.council', 'h1.kinki-power', 'h1.nagoya-port'],
    more: false, organisations: NAMES, people: roomPeople(),
  }
}

function send(entry, body) {
  if (body.organisations.includes('h1.nagoya-port')) throw new Refusal(422, 'unprocessable', 'nothing was sent: who may not read this entry, or whom no mail reaches here, is not sent it: `h1.nagoya-port`')
  return { case: '', entry, object: '', at: ago(0), recipients: body.people.length + body.organisations.length * 3, organisations: ['council'], already: false }
}

export const MAIL_ROUTES = [
  ['GET', /^\/api\/v1\/me\/mail$/, () => ({ address: own?.address ?? null, language: own?.language ?? null, domains: DOMAINS })],
  ['PUT', /^\/api\/v1\/me\/mail$/, (_, body) => keep(body)],
  ['DELETE', /^\/api\/v1\/me\/mail$/, () => { own = null }],
  ['GET', /^\/api\/v1\/cases\/[^/]+\/room\/[^/]+\/recipients$/, recipients],
  ['POST', /^\/api\/v1\/cases\/[^/]+\/room\/([^/]+)\/mail$/, ([entry], body) => send(entry, body)],
]
