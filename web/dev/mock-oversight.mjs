// A made-up commission, authorisations, receipts and their published log, hashed and signed as the hub's are: what the console verifies
// holds here too. `MOCK_AS`: commissioner (the default of these pages), requester, operator.
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto'

import { ago, organisations } from './mock-data.mjs'

const HOUR = 3600
const sha256 = (...parts) => parts.reduce((all, part) => all.update(part), createHash('sha256')).digest()
const hex = (bytes) => Buffer.from(bytes).toString('hex')
const url = (bytes) => Buffer.from(bytes).toString('base64url')
const canonical = (value) => (Array.isArray(value) ? `[${value.map(canonical).join(',')}]`
  : typeof value === 'object' && value !== null ? `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}` : JSON.stringify(value))
const digest = (value) => hex(sha256(canonical(value)))

organisations.push({ id: 'commission', name_ja: 'サイバー通信情報監理委員会', name_en: 'Communications Information Commission', role: 'oversight', sectors: [], prefecture: 13, identity: 'identity--c' })
const organisation = (id) => organisations.find((one) => one.id === id)

// ---- the log

const origin = 'hub.example.jp/log/authorisations'
const logKey = generateKeyPairSync('ed25519')
const logPublic = Buffer.concat([Uint8Array.of(1), logKey.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)])
const logId = sha256(`${origin}\n`, logPublic).subarray(0, 4)
const entries = []
const leaves = () => entries.map((entry) => sha256(Uint8Array.of(0), entry))
const root = (nodes) => {
  if (nodes.length === 1) return nodes[0]
  let split = 1
  while (split * 2 < nodes.length) split *= 2
  return sha256(Uint8Array.of(1), root(nodes.slice(0, split)), root(nodes.slice(split)))
}
function append(kind, of, record, seconds) {
  const salt = randomBytes(32)
  const text = typeof record === 'string' ? record : canonical(record)
  const hour = new Date(Math.floor(Date.parse(ago(seconds)) / 3_600_000) * 3_600_000).toISOString().replace('.000', '')
  const entry = canonical({ v: 1, kind, hour, of, commitment: hex(sha256(Uint8Array.of(2), salt, text)) })
  entries.push(Buffer.from(entry))
  return { leaf: entries.length - 1, kind, at: ago(seconds), entry, record: text, salt: hex(salt) }
}

/** A file of the log. */
export function logFile(path) {
  if (path === 'checkpoint') {
    const text = `${origin}\n${entries.length}\n${root(leaves()).toString('base64')}\n`
    const line = (name, id, signature) => `— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`
    return `${text}\n${line(origin, logId, sign(null, Buffer.from(text), logKey.privateKey))}${line('witness.example.ac.jp/w', Uint8Array.of(1, 2, 3, 4), Buffer.concat([Buffer.from('00000000692a0000', 'hex'), randomBytes(64)]))}`
  }
  if (path.startsWith('tile/entries/')) return Buffer.concat(entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]))
  return Buffer.concat(leaves())
}

// ---- the commission

const NAMES = ['佐伯 律子', '望月 誠', 'Claire Dubois', '大和田 健一', '三浦 京']
const keys = NAMES.map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const point = ({ publicKey }) => hex(publicKey.export({ format: 'der', type: 'spki' }).subarray(-65))
const commission = {
  version: 1, name: 'サイバー通信情報監理委員会', rp_id: 'localhost', origins: ['http://localhost:8441'], threshold: 3,
  members: NAMES.map((name, n) => ({ id: `c${n}`, name, from: ago(86_400 * 90), until: ago(-86_400 * 1500), passkeys: { [url(`key-${n}`)]: { algorithm: 'es256', point: point(keys[n]) }, [url(`safe-${n}`)]: { algorithm: 'es256', point: point(generateKeyPairSync('ec', { namedCurve: 'P-256' })) } } })),
}
const frame = {
  version: 1, source: 'EXAMPLE ONLY. Periods and articles are to be taken from the law in force and the commission’s own rules before use.',
  categories: { 'party-agreement': { article: 'Act 42/2025 art. 11', hours_max: 8760 }, 'foreign-foreign': { article: 'Act 42/2025 art. 17(1)', hours_max: 4320 }, 'foreign-domestic': { article: 'Act 42/2025 art. 32(1)', hours_max: 2160 }, 'domestic-foreign': { article: 'Act 42/2025 art. 33(1)', hours_max: 2160 } },
  emergency: { persons: 2, hours_max: 24 }, list_max: 10_000, queries_per_day_max: 24, checkpoint_hours_max: 24, unwitnessed_hours_max: 4, retention_classes: ['erase-at-end', 'measures-2y'],
}
const standing = { digest: digest(commission), organisation: 'commission', leaf: append('commission', null, { v: 1, commission, resolved: null }, 86_400 * 90).leaf, at: ago(86_400 * 90), threshold: 3, members: commission.members.map(({ passkeys, ...member }) => ({ ...member, passkeys: Object.keys(passkeys).length })), document: commission }
const inForce = { digest: digest(frame), leaf: append('frame', null, { v: 1, frame, resolved: null }, 86_400 * 89).leaf, at: ago(86_400 * 89), document: frame }

function assertion(n, challenge) {
  const data = Buffer.concat([sha256('localhost'), Uint8Array.of(5, 0, 0, 0, 0)])
  const client = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge: url(challenge), origin: 'http://localhost:8441', crossOrigin: false }))
  return { credential: url(`key-${n}`), authenticator_data: url(data), client_data: url(client), signature: url(sign('sha256', Buffer.concat([data, sha256(client)]), keys[n].privateKey)) }
}
const challengeOf = (decision) => sha256('yagura decision of the commission v1\0', canonical(decision))

// ---- authorisations

const LIST = { salt: '5a'.repeat(32), patterns: ["[domain-name:value = 'cdn.update-jp.example']", "[ipv4-addr:value = '198.51.100.23']", "[file:hashes.'SHA-256' = 'a3f1c2d4e5b60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef0']"] }
const listRoot = hex(root(LIST.patterns.map((pattern, n) => {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(n))
  return sha256(Uint8Array.of(0), sha256('yagura authorised indicator v1\0', Buffer.from(LIST.salt, 'hex'), number, pattern))
})))
const all = []
function ask(seconds, terms, more = {}) {
  const whole = {
    id: randomUUID(), kind: 'ordinary', category: 'foreign-domestic', article: frame.categories[terms.category ?? 'foreign-domestic'].article, requested_by: 'npa', operators: ['kinki-power'], list_root: listRoot, list_size: 3,
    fields: ['addresses', 'ports'], queries_per_day: 4, from: ago(seconds - HOUR), until: ago(seconds - 86_400 * 60), retention: 'measures-2y', purpose: 'collective-defence', reason: '', narrows: null, ...terms,
  }
  const history = [append('request', null, { v: 1, terms: whole }, seconds)]
  const one = { id: whole.id, state: 'requested', in_force: false, terms_hash: digest(whole), terms: whole, sealed: false, request_leaf: history[0].leaf, grant_leaf: null, created: ago(seconds), changed: ago(seconds), pending: null, uses: 0, may: ['grant', 'refuse'], history, ...more }
  all.unshift(one)
  return one
}
const AFTER = { grant: 'granted', refuse: 'refused', suspend: 'suspended', resume: 'granted', revoke: 'revoked' }
const MAY = { granted: ['suspend', 'revoke'], suspended: ['resume', 'revoke'], requested: ['grant', 'refuse'] }
function decide(one, seconds, verdict, members, reason = '') {
  const decision = { verdict, authorisation: one.id, request: one.request_leaf, terms: one.terms_hash, kind: one.terms.kind, frame: inForce.digest, number: one.history.length, asked: ago(seconds), reason }
  const logged = append(verdict, verdict === 'grant' || verdict === 'refuse' ? one.request_leaf : one.grant_leaf, { v: 1, terms: one.terms, decided: { decision, assertions: members.map((n) => assertion(n, challengeOf(decision))) } }, seconds)
  if (verdict === 'grant') one.grant_leaf = logged.leaf
  one.history.push(logged)
  Object.assign(one, { state: AFTER[verdict], in_force: AFTER[verdict] === 'granted' && Date.parse(one.terms.until) > Date.now(), changed: ago(seconds), may: MAY[AFTER[verdict]] ?? [] })
}

const edgeKey = generateKeyPairSync('ed25519')
const receipts = []
function use(one, seconds, number = 1, more = {}) {
  const used = { authorisation: one.id, grant: one.grant_leaf, operator: 'kinki-power', edge: 'kinki-power-1', asked_by: one.terms.requested_by, asked: one.terms.list_root, count: one.terms.list_size, at: ago(seconds), number, ...more }
  const receipt = { used, signature: hex(sign(null, Buffer.from(`yagura receipt v1\0${canonical(used)}`), edgeKey.privateKey)) }
  const { leaf } = append('use', one.grant_leaf, JSON.stringify(receipt), seconds)
  receipts.unshift({ leaf, at: ago(seconds - 4), authorisation: one.id, asked_by: used.asked_by, operator: used.operator, edge: used.edge, count: used.count, used_at: used.at, receipt, key: hex(edgeKey.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)) })
  one.uses += 1
}

const over = ask(86_400 * 80, { category: 'foreign-foreign', until: ago(86_400 * 10), reason: '国外の指令サーバー間の通信に、国内の電力事業者の装置が中継点として使われている疑いがあるため。' })
decide(over, 86_400 * 79, 'grant', [0, 1, 3])
const refused = ask(86_400 * 40, { category: 'domestic-foreign', operators: ['kinki-power', 'tohoku-power', 'nagoya-port', 'hakata-bank'], reason: '広く不審な通信を探すため。' })
decide(refused, 86_400 * 39, 'refuse', [2], '対象と必要性が特定されていません。')
const rail = ask(86_400 * 20, { operators: ['setouchi-rail', 'kinki-power'], requested_by: 'council', reason: '保守用 VPN の認証情報を使った侵入について、同じ手口が鉄道でも使われていないかを確かめるため。' })
decide(rail, 86_400 * 19, 'grant', [0, 2, 4])
use(rail, 86_400 * 12)
decide(rail, 86_400 * 3, 'suspend', [4], '保存区分の運用に疑義があり、事実を確かめるまで停止します。')
use(rail, 86_400 * 2)
const power = ask(86_400 * 9, { operators: ['kinki-power', 'tohoku-power'], fields: ['addresses', 'own-pseudonyms', 'domains', 'ports'], reason: '暁のクロガネが使う指令サーバーとの通信が、送配電の制御系に近い端末で続いていないかを確かめ、続いていれば直ちに防ぐため。\n\n協議会の三組織で同じ指標が確認されています。' })
decide(power, 86_400 * 8, 'grant', [0, 1, 2], '必要性と範囲は適当です。')
for (let day = 7; day > 0; day -= 1) for (let number = 1; number <= (day % 3) + 1; number += 1) use(power, 86_400 * day - number * 900, number)
use(power, HOUR * 5, 1)
use(power, HOUR * 3, 3)
const port = ask(HOUR * 20, { operators: ['nagoya-port'], reason: '港湾の荷役管理システムに対する偽の保守ポータルについて、接続した端末があるかを確かめるため。' })
port.pending = { verdict: 'grant', signed_by: ['望月 誠'], needed: 3, reason: '', asked: ago(HOUR * 2) }
const urgent = ask(HOUR / 4, { kind: 'emergency', operators: ['kinki-power'], until: ago(-HOUR * 18), queries_per_day: 12, reason: '変電所の遠隔監視が停止した直後で、同じ指令サーバーとの通信の有無を直ちに確かめる必要があるため。' })
urgent.pending = { verdict: 'grant', signed_by: ['大和田 健一'], needed: 2, reason: '', asked: ago(120) }

// ---- what is answered, and to whom

const WHO = {
  commissioner: { person: { id: 'c0', login: 'saeki', name: '佐伯 律子', organisation: 'commission', roles: ['commissioner'] }, of: 'commission', may: ['inspect', 'see-releases', 'see-authorisations', 'decide-authorisation'] },
  constituent: { person: { id: 'c9', login: 'somu', name: '事務 一郎', organisation: 'commission', roles: ['administrator'] }, of: 'commission', may: ['constitute-commission'] },
  requester: { person: { id: 'n1', login: 'kuroki', name: '黒木 薫', organisation: 'npa', roles: ['approver', 'analyst'] }, of: 'npa', may: ['read', 'ask-release', 'work-cases', 'request-authorisation', 'see-authorisations'] },
  operator: { person: { id: 'o1', login: 'tanaka', name: '田中 美咲', organisation: 'kinki-power', roles: ['approver'] }, of: 'kinki-power', may: ['read', 'ask-release', 'work-cases', 'see-edges', 'see-authorisations'] },
}
export const asWhom = WHO[process.env.MOCK_AS]
export const mockSession = (session) => (asWhom ? { ...session, person: asWhom.person, organisation: organisation(asWhom.of), may: asWhom.may } : session)

const isCommission = () => asWhom?.of === 'commission'
const sees = (one) => isCommission() || one.terms.requested_by === asWhom?.of || (one.grant_leaf !== null && one.terms.operators.includes(asWhom?.of))
const told = (one, history) => ({ ...one, history: history ? one.history : [], ...(isCommission() ? {} : { pending: null, uses: null, may: [] }) })

export const OVERSIGHT_ROUTES = [
  ['GET', /^\/api\/v1\/oversight\/commission$/, () => ({ is_on: true, off_because: null, commission: standing, frame: inForce, proposals: [], candidates: isCommission() ? commission.members.map((member) => ({ id: member.id, name: member.name, passkeys: 2, passkeys_of_other_kinds: 0, is_member: true })).concat([{ id: 'c8', name: '新任 花', passkeys: 0, passkeys_of_other_kinds: 1, is_member: false }]) : [], log_key: `${origin}+${hex(logId)}+${logPublic.toString('base64')}` })],
  ['GET', /^\/api\/v1\/authorisations$/, () => ({ authorisations: all.filter(sees).map((one) => told(one, false)), next: null })],
  ['GET', /^\/api\/v1\/authorisations\/([^/]+)$/, ([id]) => told(all.find((one) => one.id === id), true)],
  ['GET', /^\/api\/v1\/authorisations\/([^/]+)\/list$/, () => LIST],
  ['POST', /^\/api\/v1\/authorisations\/([^/]+)\/decisions\/start$/, ([id], body) => {
    const one = all.find((each) => each.id === id)
    const document = { verdict: body.verdict, authorisation: one.id, request: one.request_leaf, terms: one.terms_hash, kind: one.terms.kind, frame: inForce.digest, number: one.history.length, asked: one.pending?.asked ?? ago(0), reason: body.reason }
    return { challenge_id: randomUUID(), options: { challenge: url(challengeOf(document)), rpId: 'localhost', allowCredentials: [], userVerification: 'required', timeout: 300_000 }, document, signed_by: one.pending?.signed_by ?? [], needed: ['grant', 'resume'].includes(body.verdict) ? (one.terms.kind === 'emergency' ? 2 : 3) : 1 }
  }],
  ['GET', /^\/api\/v1\/receipts$/, (_, __, parameters) => ({ receipts: receipts.filter((row) => (isCommission() || row.operator === asWhom?.of) && (!parameters.get('authorisation') || row.authorisation === parameters.get('authorisation'))), next: null })],
  ['GET', /^\/api\/v1\/notices$/, () => ({ notices: [{ id: '1', at: ago(HOUR / 4), kind: 'authorisation-emergency', subject: urgent.id, object: null, text: '', seen: null }, { id: '2', at: ago(HOUR * 20), kind: 'authorisation-requested', subject: port.id, object: null, text: '', seen: ago(HOUR) }], unseen: 1 })],
]
