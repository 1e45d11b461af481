// The room of the first case, in the shapes of the hub's interface: a night of it, with mails that came in. Other cases have empty rooms.
import { ago, cases, indicators, organisations, people } from './mock-data.mjs'

export const NAMES = Object.fromEntries(organisations.map((one) => [`h1.${one.id}`, { ja: one.name_ja, en: one.name_en, here: one.id }]).concat([['h2.cert', { ja: '東日本の調整機関', en: 'Coordinator of the East', here: null }]]))
export const roomPeople = () => ({ ...Object.fromEntries(people.map((one) => [one.id, one.name])), k1: '黒木 薫 / Kuroki Kaoru', e1: '東 千尋 / Azuma Chihiro' })

const SATO = { account: 'p1', organisation: 'h1.council' }
const TANAKA = { account: 'p3', organisation: 'h1.kinki-power' }
const KUROKI = { account: 'k1', organisation: 'h1.npa' }
const WHOLE = { tlp: 'amber', only: null, stub: false }
const SIDE = { tlp: 'amber', only: ['h1.council'], stub: false }
const SHA256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bcd15f2d6a0f00a08a1c3'

let count = 0
/** A line of the timeline; `seconds` ago, by somebody. */
function line(id, seconds, by, says, label = WHOLE, more = {}) {
  count += 1
  const entry = `0f5e2b1c-0000-4000-8000-${String(900_000 + count)}`
  return { kind: 'entry', at: ago(seconds), case: id, organisation: by?.organisation ?? 'h1.council', entry, object: label.tlp === 'red' ? null : `note--${entry}`, by: by?.account ?? null, label, says, text: null, ignored: null, ...more }
}

const mail = (more) => ({ says: 'mailed', from: '"保守センター" <hoshu@hoshu-portal.example>', subject: '保守用 VPN の認証情報の更新について', sent: ago(5200), message_id: '<20261130.4711.a81c@mail.hoshu-portal.example>', sha256: SHA256, text: 'お客様各位\n\n保守用 VPN の認証情報の有効期限が近づいています。次のページで更新してください。\nhxxps://login[.]hoshu-portal[.]example/vpn?id=kinki-power-remote-maintenance-0042\n\n本日 18 時までに更新がない場合、接続を停止します。', cut: false, attachments: [], ...more })

const timeline = (id) => [
  line(id, 120, TANAKA, { says: 'note', text: '保守用アカウント hoshu-07 の無効化を完了。接続元 198[.]51[.]100[.]23 からの再試行を 3 回確認した。', lane: 'threat' }),
  line(id, 300, SATO, { says: 'note', text: '瀬戸内鉄道には口頭で伝達済み。文書での回答を待つ。', lane: null }, SIDE),
  line(id, 900, null, mail({}), SIDE),
  line(id, 1300, null, mail({ from: 'Peter Maintenance <peter@vendor.example>', subject: 'Re: Remote maintenance window – logs attached as agreed with the grid operator', message_id: '<0100019384fa6c3e-5b8d6e0a-2f3b-4b1d-9e6c-7a8b9c0d1e2f-000000@eu-central-1.mail.vendor.example>', text: undefined, cut: false, attachments: [{ name: 'vpn-gateway-2026-11-30.log.gz', media_type: 'application/gzip', bytes: 1_482_113, sha256: SHA256.replaceAll('9', 'c') }, { name: '接続記録一覧（保守用VPN装置・2026年11月分）.xlsx', media_type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', bytes: 48_220, sha256: SHA256.replaceAll('f', '0') }] }), SIDE),
  line(id, 1500, SATO, { says: 'severity-declared', level: 4, reason: '三分野で同じ足場が確認され、電力の監視制御に近い端末に及んでいる' }),
  line(id, 1900, SATO, { says: 'decided', question: '保守用 VPN を全組織で停止するか', options: ['直ちに停止', '監視を続けて段階的に停止', '停止しない'], chosen: 1, reason: '停止は復旧作業に影響するため、監視しながら組織ごとに停止する' }),
  line(id, 2400, SATO, { says: 'reported', report: 1, text: '01:40 三組織で同じ通信先を確認。制御系への到達は確認されていない。02:00 保守用アカウント 2 件を停止。' }),
  line(id, 2700, KUROKI, { says: 'note', text: '捜査上の照会を行った。' }, { tlp: 'red', only: ['h1.npa', 'h1.council'], stub: true }),
  { ...line(id, 2900, KUROKI, null), kind: 'stub', label: null, says: null, by: null, object: null },
  line(id, 3300, SATO, { says: 'task-offered', to: 'h1.kinki-power', title: '保守用 VPN の接続記録を保全', lane: 'intelligence', due: ago(-3600), legal_basis: '協定第7条' }),
  line(id, 3500, SATO, { says: 'invited', member: 'h1.npa' }),
  line(id, 3600, SATO, { says: 'commands' }),
]

const situation = () => ({
  members: ['h1.council', 'h1.kinki-power', 'h1.nagoya-port', 'h1.setouchi-rail', 'h1.npa', 'h2.cert'], commander: SATO, hand_over: { entry: 'h', to: KUROKI, brief: '06:00 に交替。保守用 VPN の段階的停止が進行中。' },
  leads: { intelligence: KUROKI, asset: TANAKA }, period: { number: 2, from: ago(3600), until: ago(-10_800), objectives: '保守用 VPN の段階的停止を終え、制御系への到達がないことを確かめる' }, periods: [],
  tasks: [
    { entry: 't1', from: 'h1.council', to: 'h1.kinki-power', title: '保守用 VPN の接続記録を保全', lane: 'intelligence', due: ago(600), legal_basis: '協定第7条', offered: ago(3300), state: 'accepted', late: true, by: TANAKA, at: ago(3000), done: null, answer: null, answer_basis: '電気通信事業法第41条' },
    { entry: 't2', from: 'h1.kinki-power', to: 'h1.council', title: '通信先の遮断を他分野に周知', lane: 'threat', due: ago(-7200), legal_basis: null, offered: ago(1200), state: 'offered', late: false, by: null, at: null, done: null, answer: null, answer_basis: null },
  ],
  decisions: [{ entry: 'd1', at: ago(1900), by: SATO, question: '保守用 VPN を全組織で停止するか', options: ['直ちに停止', '監視を続けて段階的に停止', '停止しない'], chosen: 1, reason: '停止は復旧作業に影響するため、監視しながら組織ごとに停止する', evidence: [] }],
  proposed: { level: 4, reasons: ['三つの分野に及ぶ / It concerns three sectors', '制御系に近い端末 / Hosts close to control systems'], by: null, at: ago(1600) }, declared: { level: 4, reasons: ['三分野で同じ足場が確認され、電力の監視制御に近い端末に及んでいる'], by: SATO, at: ago(1500) },
  objects: indicators.slice(0, 3).map((one) => one.id), reports: 1, reported: { entry: 'r1', report: 1, by: SATO, at: ago(2400), text: '01:40 三組織で同じ通信先を確認。制御系への到達は確認されていない。02:00 保守用アカウント 2 件を停止。' },
})
const EMPTY = { members: [], commander: null, hand_over: null, leads: {}, period: null, periods: [], tasks: [], decisions: [], proposed: null, declared: null, objects: [], reports: 0, reported: null }

const isFirst = (id) => id === [...cases.keys()][0]
const caseOf = (id) => {
  const { summary } = cases.get(id)
  return { id, title: summary.title, number: summary.number, originator: 'council', marking: summary.marking }
}
const named = () => ({ organisations: NAMES, people: roomPeople(), as_of: ago(0) })
/** What was written while the stand-in ran, by case, the newest first. */
const written = new Map()
function write(id, { label, entry }) {
  const one = line(id, 0, SATO, entry, label)
  written.set(id, [one, ...(written.get(id) ?? [])])
  return { entry: one.entry, not_called: [] }
}
const room = (id) => {
  const lines = [...(written.get(id) ?? []), ...(isFirst(id) ? timeline(id) : [])]
  return {
    case: caseOf(id), you: SATO, situation: isFirst(id) ? situation() : EMPTY, timeline: lines, lines: lines.length, continues: false, cursor: '', joined: [],
    audiences: { green: ['coordinator', 'agency', 'operator', 'academy'], amber: ['coordinator', 'agency', 'operator'], 'amber+strict': ['coordinator'], red: [] }, ...named(),
  }
}

export const ROOM_ROUTES = [
  ['GET', /^\/api\/v1\/rooms$/, () => ({ cases: [...cases.keys()].map(caseOf), as_of: ago(0) })],
  ['GET', /^\/api\/v1\/cases\/([^/]+)\/room$/, ([id]) => room(id)],
  ['POST', /^\/api\/v1\/cases\/([^/]+)\/room$/, ([id], body) => write(id, body)],
  ['GET', /^\/api\/v1\/cases\/([^/]+)\/room\/brief$/, ([id], _, parameters) => ({ case: caseOf(id), since: parameters.get('since'), situation: isFirst(id) ? situation() : EMPTY, late: isFirst(id) ? 1 : 0, lines: isFirst(id) ? timeline(id).filter(({ says }) => says) : [], report: null, ...named() })],
  ['GET', /^\/api\/v1\/cases\/[^/]+\/room\/report$/, () => ({ report: 1, reports: 0, text: '', update: 'AAA=', changes: 0, left_out: 0, as_of: ago(0) })],
  ['POST', /^\/api\/v1\/cases\/[^/]+\/room\/presence$/, () => ({ here: [{ person: SATO, since: ago(3600), writes: false }, { person: TANAKA, since: ago(600), writes: true }], ...named() })],
  ['POST', /^\/api\/v1\/cases\/[^/]+\/room\/values$/, () => ({ values: [] })],
  ['GET', /^\/api\/v1\/cases\/([^/]+)\/similar$/, ([id]) => ({ cases: isFirst(id) ? [{ case: caseOf([...cases.keys()][1]), because: [{ kind: 'object', id: indicators[4].id, name: indicators[4].name }, { kind: 'value', id: null, name: 'login.hoshu-portal.example' }], common: 5, joined: false }] : [], more: false, as_of: ago(0) })],
]
