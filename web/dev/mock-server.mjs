// A stand-in for the hub while working on the console: `npm run mock`, then `npm run dev`, or serve the build at :8441.
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'

import { ago, board, cases, edges, entry, newSighting, nextSequence, node, objects, openCase, organisations, people, references, sightingEntry } from './mock-data.mjs'
import { EVIDENCE_ROUTES } from './mock-evidence.mjs'
import { MAIL_ROUTES } from './mock-mail.mjs'
import { Refusal } from './mock-refusal.mjs'
import { REPORT_ROUTES } from './mock-reports.mjs'
import { RESPONSE_ROUTES } from './mock-response.mjs'
import { ROOM_ROUTES } from './mock-room.mjs'
import { logFile, mockSession, OVERSIGHT_ROUTES } from './mock-oversight.mjs'

const PORT = Number(process.env.PORT ?? 8441)
const DIST = new URL('../dist/', import.meta.url).pathname
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' }
// The policy the hub serves the console under; what breaks it breaks here too.
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
let signedIn = process.env.MOCK_SIGNED_IN === 'yes'
let credential = signedIn
const streams = new Set()

const session = () => mockSession({ person: people[0], organisation: organisations[0], node, csrf: 'mock', credential_needed: !credential, may: ['read', 'write', 'delete', 'work-cases', 'see-edges', 'administer', 'inspect', 'read-runs', 'run-playbooks', 'approve-actions', 'undo-actions', 'see-evidence', 'handle-evidence', 'keep-evidence', 'request-evidence', 'answer-evidence', 'write-reports', 'file-reports', 'answer-reports'] })

function publish(event, id) {
  const lines = `event: ${event.event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(event)}\n\n`
  for (const stream of streams) stream.write(lines)
}

function changeCase(id, change, more) {
  const one = cases.get(id)
  if (!one) throw new Refusal(404, 'not-found', 'no such case')
  if (change.revision !== undefined && change.revision !== one.summary.revision) throw new Refusal(409, 'conflict', `the case is at revision ${one.summary.revision}`)
  const by = { by: 'p1', by_name: people[0].name, organisation: 'council' }
  const { summary, timeline } = one
  if (change.severity !== undefined) { timeline.push(entry('severity', 0, { ...by, from: summary.severity, to: change.severity })); summary.severity = change.severity }
  if (change.title !== undefined) { timeline.push(entry('title', 0, { ...by, text: change.title })); summary.title = change.title }
  if (change.state !== undefined) { timeline.push(entry(change.state === 'closed' ? 'closed' : 'reopened', 0, { ...by, text: change.reason ?? null })); summary.state = change.state }
  if (change.assignee !== undefined) {
    const who = people.find((person) => person.id === change.assignee)
    timeline.push(entry('assigned', 0, { ...by, text: who?.name ?? null, object: who?.id ?? null }))
    summary.assignee = who?.id ?? null
    summary.assignee_name = who?.name ?? null
  }
  if (more) timeline.push({ ...more, ...by })
  summary.revision += 1
  summary.changed = ago(0)
  publish({ event: 'case', case: summary }, nextSequence())
  return one
}

function find(parameters) {
  const text = (parameters.get('query') ?? '').toLowerCase().replaceAll('[.]', '.')
  const types = (parameters.get('type') ?? '').split(',').filter(Boolean)
  const all = [...objects.values()].filter(({ object, summary }) =>
    (types.length === 0 || types.includes(summary.object_type)) && (parameters.get('revoked') === 'true' || !summary.revoked) && (text === '' || JSON.stringify(object).toLowerCase().includes(text)))
    .map(({ summary }) => summary).sort((a, b) => (text === '' ? Date.parse(b.date_added) - Date.parse(a.date_added) : a.sequence - b.sequence))
  const start = Number(parameters.get('next') ?? 0)
  const limit = Number(parameters.get('limit') ?? 50)
  return { objects: all.slice(start, start + limit), count: all.length, count_max: 10_000, ...(start + limit < all.length ? { next: String(start + limit) } : {}), as_of: ago(0) }
}

const detail = (id) => {
  const found = objects.get(id)
  if (!found) throw new Refusal(404, 'not-found', 'no such object')
  return { ...found, audience: ['coordinator', 'agency', 'operator'], because: ['read-amber', 'read-own'], versions: [{ sequence: found.summary.sequence, version: found.summary.version, date_added: found.summary.date_added, hash: 'b7'.repeat(32) }], sightings: 214 }
}

const ROUTES = [
  ...OVERSIGHT_ROUTES,
  ...RESPONSE_ROUTES,
  ...EVIDENCE_ROUTES,
  ...ROOM_ROUTES,
  ...MAIL_ROUTES,
  ...REPORT_ROUTES,
  ['GET', /^\/api\/v1\/node$/, () => node],
  ['GET', /^\/api\/v1\/session$/, () => { if (!signedIn) throw new Refusal(401, 'sign-in-needed', 'sign in first'); return session() }],
  ['POST', /^\/api\/v1\/session\/link$/, (_, body) => { if (body.link !== 'mock') throw new Refusal(401, 'sign-in-refused', 'the link was used or has expired'); signedIn = true; credential = false; return session() }],
  ['POST', /^\/api\/v1\/session\/password$/, (_, body) => { if (body.password.length < 12) throw new Refusal(401, 'sign-in-refused', 'name or password is wrong'); signedIn = true; credential = true; return session() }],
  ['DELETE', /^\/api\/v1\/session$/, () => { signedIn = false }],
  ['PUT', /^\/api\/v1\/me\/password$/, () => { credential = true }],
  ['GET', /^\/api\/v1\/me\/passkeys$/, () => [{ id: 'k1', name: '庁舎の端末', created: ago(400_000) }]],
  ['GET', /^\/api\/v1\/me\/identities$/, () => []],
  ['GET', /^\/api\/v1\/(?:me|people\/[^/]+)\/sessions$/, () => [{ id: 's1', created: ago(9_000), seen: ago(30), expires: ago(-40_000), means: 'passkey', address: '192.0.2.10', agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', current: true }, { id: 's2', created: ago(90_000), seen: ago(50_000), expires: ago(-4_000), means: 'password', address: '198.51.100.4', agent: '', current: false }]],
  ['GET', /^\/api\/v1\/identity-providers$/, () => ({ providers: [] })],
  ['GET', /^\/api\/v1\/recoveries$/, () => ({ recoveries: [] })],
  ['GET', /^\/api\/v1\/emergencies$/, () => ({ emergencies: [], minutes_max: 240 })],
  ['GET', /^\/api\/v1\/qualifications$/, () => ({ qualifications: [{ id: 'q1', person: 'p2', person_name: people[1].name, organisation: people[1].organisation, qualification: 'clearance:critical-economic-security', since: ago(900_000), until: ago(-800_000), evidence: '令8-12', asked_by: 'p1', asked_by_name: people[0].name, asked: ago(900_000), expires: ago(0), decided_by_name: people[0].name, decided: ago(890_000), state: 'valid' }] })],
  ['GET', /^\/api\/v1\/people\/[^/]+\/qualifications$/, () => ({ qualifications: [] })],
  ['GET', /^\/api\/v1\/qualifications\/defined$/, () => ({ qualifications: [{ qualification: 'clearance:critical-economic-security', name_ja: '重要経済安保情報の適性評価', name_en: 'Clearance for critical economic security information', law_ja: '令和6年法律第27号 第12条', law_en: 'Act No. 27 of 2024, Article 12', years_max: 10, includes: [], marking: 'marking-definition--00000000-0000-5000-8000-000000000001' }] })],
  ['GET', /^\/api\/v1\/endings$/, () => ({ endings: [{ kind: 'token', id: 't1', name: 'SIEM 連携', at: ago(-400_000) }] })],
  ['GET', /^\/api\/v1\/board$/, board],
  ['GET', /^\/api\/v1\/objects$/, (_, __, parameters) => find(parameters)],
  ['GET', /^\/api\/v1\/objects\/([^/]+)\/references$/, ([id]) => references(id)],
  ['GET', /^\/api\/v1\/objects\/([^/]+)$/, ([id]) => detail(id)],
  ['GET', /^\/api\/v1\/cases$/, (_, __, parameters) => { const state = parameters.get('state') ?? 'open'; const all = [...cases.values()].map((one) => one.summary).sort((a, b) => Date.parse(b.changed) - Date.parse(a.changed)); return { cases: all.filter((one) => state === 'all' || one.state === state), open: all.filter((one) => one.state === 'open').length, as_of: ago(0) } }],
  ['POST', /^\/api\/v1\/cases$/, (_, body) => { const one = openCase(body.title, body.severity, ['kinki-power'], 0, [entry('opened', 0, { by: 'p1', by_name: people[0].name })]); publish({ event: 'case', case: one.summary }, nextSequence()); return one }],
  ['GET', /^\/api\/v1\/cases\/([^/]+)$/, ([id]) => { const one = cases.get(id); if (!one) throw new Refusal(404, 'not-found', 'no such case'); return one }],
  ['PATCH', /^\/api\/v1\/cases\/([^/]+)$/, ([id], body) => changeCase(id, body)],
  ['POST', /^\/api\/v1\/cases\/([^/]+)\/entries$/, ([id], body) => changeCase(id, {}, entry('note', 0, { text: body.text }))],
  ['GET', /^\/api\/v1\/edges$/, () => ({ edges, as_of: ago(0) })],
  ['POST', /^\/api\/v1\/edges$/, (_, body) => ({ id: body.id, token: 'ye_3Jm9vQ2xT7kR5nB8wL4pZ6cH1sD0fG' })],
  ['GET', /^\/api\/v1\/edges\/([^/]+)$/, ([id]) => edges.find((edge) => edge.id === id)],
  ['GET', /^\/api\/v1\/organisations$/, () => organisations],
  ['POST', /^\/api\/v1\/organisations$/, (_, body) => { organisations.push({ ...body, identity: 'identity--new' }); return organisations.at(-1) }],
  ['GET', /^\/api\/v1\/people$/, () => people],
  ['POST', /^\/api\/v1\/people$/, (_, body) => { people.push({ id: `p${people.length + 1}`, ...body }); return { person: people.at(-1), sign_in: `http://127.0.0.1:${PORT}/sign-in#link=mock` } }],
  ['GET', /^\/api\/v1\/tokens$/, () => [{ id: 't1', name: 'SIEM 連携', organisation: 'kinki-power', roles: ['analyst'], created: ago(900_000), expires: ago(-4_000_000), last_used: ago(40) }]],
  ['POST', /^\/api\/v1\/tokens$/, (_, body) => ({ info: { id: 't2', created: ago(0), expires: ago(-7_776_000), last_used: null, ...body }, token: 'yg_9Xw2mK4vT6qR8nB1zL3pJ5cH7sD0fG' })],
  ['GET', /^\/api\/v1\/audit$/, () => ({ rows: Array.from({ length: 30 }, (_, n) => ({ index: 8412 - n, at: ago(n * 37), action: ['objects-released', 'sightings-received', 'case-changed', 'signed-in', 'refused'][n % 5], outcome: n % 5 === 4 ? 'refused' : 'done', actor_kind: ['program', 'edge', 'person', 'person', 'stranger'][n % 5], actor: n % 5 === 4 ? null : `p${(n % 3) + 1}`, organisation: n % 5 === 4 ? null : organisations[n % 6].id, purpose: 'collective-defence', objects: [`seq:${24_000 + n}-${24_040 + n}`], detail: n % 5 === 4 ? { code: 'sign-in-refused' } : {}, leaf: 'c4'.repeat(32) })), next: null, size: 8413 })],
]

async function answer(request, response) {
  const address = new URL(request.url, 'http://mock')
  if (address.pathname === '/api/v1/stream') return stream(request, response)
  if (address.pathname.startsWith('/log/authorisations/')) return void response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(logFile(address.pathname.slice('/log/authorisations/'.length)))
  if (!address.pathname.startsWith('/api/')) return file(address.pathname, response)
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : undefined
  try {
    const found = ROUTES.map(([method, path, run]) => ({ match: method === request.method && path.exec(address.pathname), run })).find(({ match }) => match)
    if (!found) throw new Refusal(404, 'not-found', address.pathname)
    const value = found.run(found.match.slice(1).map(decodeURIComponent), body, address.searchParams)
    response.writeHead(value === undefined ? 204 : 200, { 'Content-Type': 'application/json' }).end(value === undefined ? '' : JSON.stringify(value))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    response.writeHead(error.answer.status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(error.answer))
  }
}

function stream(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write(': here\n\n')
  streams.add(response)
  request.on('close', () => streams.delete(response))
}

async function file(path, response) {
  const name = extname(path) === '' ? '/index.html' : normalize(path)
  const headers = { 'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY }
  const bytes = await readFile(join(DIST, name)).catch(() => null)
  if (bytes === null) response.writeHead(404).end()
  else response.writeHead(200, headers).end(bytes)
}

createServer((request, response) => void answer(request, response)).listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/sign-in#link=mock`))

let beats = 0
setInterval(() => {
  beats += 1
  const sighting = newSighting()
  publish({ event: 'sighting', sighting }, sighting.sequence)
  const grave = [...cases.values()][0]
  if (sighting.severity >= 3) {
    grave.summary.sightings += 1
    grave.summary.last_seen = sighting.date_added
    grave.summary.revision += 1
    grave.timeline.push(sightingEntry(sighting))
    publish({ event: 'case', case: grave.summary }, nextSequence())
  }
  if (beats === 3) {
    const one = openCase('HIBACHI ローダーの検出 — 瀬戸内鉄道', 5, ['setouchi-rail'], 0, [entry('opened', 0, { text: 'high-severity' })], null, 'red')
    publish({ event: 'case', case: one.summary }, nextSequence())
  }
  for (const edge of edges.filter((each) => each.health === 'well' || each.health === 'troubled')) {
    edge.heard = ago(0)
    edge.hello.records += 4000
    publish({ event: 'edge', edge })
  }
}, 2500)
