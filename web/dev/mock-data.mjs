// Made-up data in the shapes of the hub's interface, for working on the console where no hub stands.
import { randomUUID } from 'node:crypto'

const uuid = (n) => `0f5e2b1c-0000-4000-8000-${String(n).padStart(12, '0')}`
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString()

export const node = { name_ja: '重要インフラ防護評議会', name_en: 'Critical Infrastructure Council', realm: process.env.MOCK_REALM ?? 'live', version: '0.1.0', policies: '0'.repeat(64), policies_refused: false }

const organisation = (id, name_ja, name_en, role, sectors, prefecture) => ({ id, name_ja, name_en, role, sectors, prefecture, identity: `identity--${uuid(id.length * 97)}` })
export const organisations = [
  organisation('council', '評議会事務局', 'Council Office', 'coordinator', [], 13),
  organisation('kinki-power', '近畿電力', 'Kinki Electric Power', 'operator', ['power'], 27),
  organisation('tohoku-power', '北日本電力送配電', 'North Japan Power Grid', 'operator', ['power'], 4),
  organisation('nagoya-port', '名古屋コンテナ埠頭', 'Nagoya Container Terminals', 'operator', ['ports', 'logistics'], 23),
  organisation('setouchi-rail', '瀬戸内鉄道', 'Setouchi Railway', 'operator', ['railways'], 34),
  organisation('hakata-bank', '博多銀行', 'Hakata Bank', 'operator', ['finance'], 40),
  organisation('tokyo-gas-net', '東京ガス導管', 'Tokyo Gas Network', 'operator', ['gas'], 13),
  organisation('sapporo-hospital', '札幌中央病院', 'Sapporo Central Hospital', 'operator', ['medical'], 1),
  organisation('shinano-water', '信濃水道企業団', 'Shinano Water', 'operator', ['water'], 20),
  organisation('ryukyu-telecom', '琉球通信', 'Ryukyu Telecom', 'operator', ['telecommunications'], 47),
  organisation('haneda-ops', '羽田空港運用', 'Haneda Airport Operations', 'operator', ['airports', 'aviation'], 13),
  organisation('keiyo-petro', '京葉石油化学', 'Keiyo Petrochemical', 'operator', ['petroleum', 'chemical'], 12),
  organisation('npa', '警察庁サイバー警察局', 'National Police Agency', 'agency', ['government'], 13),
]
const SECTORS = ['telecommunications', 'finance', 'aviation', 'airports', 'railways', 'power', 'gas', 'government', 'medical', 'water', 'logistics', 'chemical', 'credit-card', 'petroleum', 'ports']

export const people = [
  { id: 'p1', login: 'sato', name: '佐藤 恵', organisation: 'council', roles: ['duty_officer', 'administrator', 'analyst'] },
  { id: 'p2', login: 'suzuki', name: '鈴木 亮', organisation: 'council', roles: ['analyst'] },
  { id: 'p3', login: 'tanaka', name: '田中 美咲', organisation: 'kinki-power', roles: ['analyst'] },
]

let sequence = 24_771
const marking = (tlp, statements = []) => ({ ...(tlp ? { tlp } : {}), statements })
const texts = []
export const objects = new Map()

function add(type, n, properties, tlp = 'amber', originator = 'council') {
  const id = `${type}--${uuid(n)}`
  const created = ago(86_400 * (3 + (n % 40)))
  const object = { type, spec_version: '2.1', id, created, modified: created, ...properties }
  sequence += 1
  objects.set(id, {
    object,
    summary: {
      sequence, id, object_type: type, name: object.name ?? object.value ?? object.relationship_type ?? id,
      description: object.description?.slice(0, 280), version: object.modified, date_added: ago(60 * (n % 3000)), marking: marking(tlp, n === 1 ? ['評議会内での防御目的に限る / For defence within the council only'] : []),
      originator, revoked: object.revoked ?? false, confidence: object.confidence ?? null,
      tags: [...(object.labels ?? []), ...(object.indicator_types ?? []), ...(object.malware_types ?? [])],
    },
  })
  texts.push(id)
  return id
}

const set = add('intrusion-set', 1, { name: '暁のクロガネ / Kurogane', aliases: ['Kurogane', 'STORM LANTERN'], description: '電力・港湾・鉄道の制御系に近い端末を足場にする侵入セット。保守用 VPN の認証情報を使い、正規の遠隔保守に紛れて動く。\n\nAn intrusion set that uses maintenance VPN credentials and hides in legitimate remote maintenance.', confidence: 75, goals: ['制御系ネットワークへの足場'], primary_motivation: 'unknown', resource_level: 'government', external_references: [{ source_name: '評議会レポート 2026-11', description: '三分野で同じ手口' }, { source_name: 'mitre-attack', external_id: 'G9999', url: 'https://attack.example/groups/G9999' }] }, 'amber+strict')
const malware = add('malware', 2, { name: 'HIBACHI', is_family: true, malware_types: ['backdoor', 'remote-access-trojan'], description: 'DNS で指令を受けるバックドア。A small backdoor that takes its orders over DNS.', confidence: 80 })
const pattern = (name, text, severity, tlp, n, confidence) => ({ id: add('indicator', n, { name, pattern: text, pattern_type: 'stix', indicator_types: ['malicious-activity'], valid_from: ago(86_400 * 5), valid_until: ago(-86_400 * 60), confidence, description: '保守用 VPN を足場にした通信先。評議会の三組織で確認。Command and control of the maintenance VPN campaign.', kill_chain_phases: [{ kill_chain_name: 'mitre-attack', phase_name: 'command-and-control' }] }, tlp), name, severity })
export const indicators = [
  pattern('Kurogane C2 update-jp.example', "[domain-name:value = 'cdn.update-jp.example']", 4, 'amber', 10, 85),
  pattern('Kurogane C2 198.51.100.23', "[ipv4-addr:value = '198.51.100.23']", 4, 'amber', 11, 80),
  pattern('HIBACHI ローダー SHA-256', "[file:hashes.'SHA-256' = 'a3f1c2d4e5b60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef0']", 5, 'red', 12, 95),
  pattern('走査元 203.0.113.0/24', "[ipv4-addr:value ISSUBSET '203.0.113.0/24']", 2, 'green', 13, 40),
  pattern('偽の保守ポータル hoshu-portal.example', "[domain-name:value = 'login.hoshu-portal.example'] OR [url:value = 'https://login.hoshu-portal.example/vpn']", 3, 'amber', 14, 70),
]
const VALUES = [['cdn.update-jp.example', '198.51.100.23'], ['198.51.100.23', '10.20.4.17'], ['a3f1c2d4e5b60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef0'], ['203.0.113.77', '10.9.0.4'], ['login.hoshu-portal.example']]
const relations = []
const relate = (source, relationship_type, target, n) => relations.push({ source, type: relationship_type, target, id: add('relationship', 500 + n, { relationship_type, source_ref: source, target_ref: target }) })
indicators.forEach((one, n) => relate(one.id, 'indicates', n === 3 ? set : malware, n))
relate(set, 'uses', malware, 20)
const campaign = add('campaign', 3, { name: '保守回線作戦 / Operation Hoshu', description: '三分野の保守回線を狙う作戦。2026年11月から続く。', objective: '制御系への足場' })
relate(campaign, 'attributed-to', set, 21)
add('report', 4, { name: '保守用 VPN を狙う攻撃（速報第2号）', description: '電力、港湾、鉄道の三組織で、保守用 VPN を足場にした同じ通信先を確認した。各組織は保守用アカウントの多要素認証と接続元の制限を確かめること。', report_types: ['campaign'], published: ago(7200), object_refs: [set, malware, campaign, ...indicators.map((one) => one.id)] }, 'amber')
const TECHNIQUES = ['有効なアカウント / Valid Accounts', '外部リモートサービス / External Remote Services', 'DNS', 'コマンドとスクリプト / Command and Scripting Interpreter', '工場のプロトコル / Standard Application Layer Protocol', 'ラテラルムーブメント / Remote Services']
TECHNIQUES.forEach((name, n) => { const id = add('attack-pattern', 30 + n, { name, description: 'ATT&CK の手法。', x_mitre_platforms: ['Windows', 'Network'] }, 'clear', 'npa'); relate(set, 'uses', id, 30 + n) })
add('vulnerability', 60, { name: 'CVE-2026-31337', description: '保守用 VPN 装置の認証回避。Authentication bypass in a maintenance VPN appliance.' }, 'clear', 'npa')
for (let n = 0; n < 400; n += 1) add('indicator', 1000 + n, { name: `走査元 192.0.2.${n % 256}`, pattern: `[ipv4-addr:value = '192.0.2.${n % 256}']`, pattern_type: 'stix', indicator_types: ['anomalous-activity'], confidence: 20 + (n % 60), description: '大量走査の送信元。Mass scanning source.', revoked: n % 41 === 0 }, 'green', n % 3 ? 'npa' : 'ryukyu-telecom')

export const sightings = []
const seenBy = ['kinki-power', 'nagoya-port', 'setouchi-rail', 'hakata-bank', 'ryukyu-telecom']
export function newSighting(seconds = 0, index = Math.floor(Math.random() * 5)) {
  const one = indicators[index]
  const id = seenBy[Math.floor(Math.random() * (index === 3 ? 5 : 3))]
  const where = organisations.find((each) => each.id === id)
  sequence += 1
  const sighting = {
    sequence, id: `sighting--${randomUUID()}`, indicator: one.id, indicator_name: one.name, organisation: where.id, sectors: where.sectors,
    first_seen: ago(seconds + 20), last_seen: ago(seconds + 3), count: 1 + Math.floor(Math.random() * 6), severity: one.severity, values: VALUES[index], date_added: ago(seconds),
  }
  sightings.unshift(sighting)
  sightings.length = Math.min(sightings.length, 2000)
  return sighting
}
for (let minute = 59; minute > 0; minute -= 1) {
  const amount = minute > 18 ? Math.floor(Math.random() * 2.2) : Math.floor(2 + Math.random() * 9)
  for (let n = 0; n < amount; n += 1) newSighting(minute * 60 - n * 3, minute > 18 ? 3 : Math.floor(Math.random() * 5))
}

const entry = (kind, seconds, more = {}) => ({ at: ago(seconds), by: null, by_name: null, organisation: null, kind, text: null, from: null, to: null, object: null, indicator: null, indicator_name: null, ...more })
const sightingEntry = (sighting) => entry('sighting', 0, { at: sighting.date_added, organisation: sighting.organisation, object: sighting.id, indicator: sighting.indicator, indicator_name: sighting.indicator_name })
let number = 40
export const cases = new Map()
export function openCase(title, severity, members, opened, timeline, assignee = null, tlp = 'amber') {
  number += 1
  sequence += 1
  const id = `incident--${randomUUID()}`
  const who = people.find((person) => person.id === assignee)
  const sectors = [...new Set(members.flatMap((member) => organisations.find((one) => one.id === member).sectors))]
  const summary = { id, number, title, severity, state: 'open', assignee, assignee_name: who?.name ?? null, members, sectors, sightings: timeline.filter((one) => one.kind === 'sighting').length, opened: ago(opened), changed: timeline.at(-1)?.at ?? ago(opened), last_seen: ago(Math.min(opened, 40)), marking: marking(tlp), revision: timeline.length }
  cases.set(id, { summary, timeline, objects: [] })
  return cases.get(id)
}
const recent = sightings.filter((one) => one.indicator !== indicators[3].id).slice(0, 24).reverse()
const grave = openCase('保守用 VPN を足場にした通信 — 3 組織 / organisations', 4, ['kinki-power', 'nagoya-port', 'setouchi-rail'], 1080, [
  entry('opened', 1080, { text: 'several-members' }), ...recent.slice(0, 12).map(sightingEntry),
  entry('assigned', 700, { by: 'p1', by_name: '佐藤 恵', text: '佐藤 恵', object: 'p1' }),
  entry('note', 560, { by: 'p1', by_name: '佐藤 恵', organisation: 'council', text: '近畿電力の当直と電話。保守用アカウント 2 件を停止した。制御系への到達は確認されていない。\n名古屋は端末を隔離済み。瀬戸内は確認中、03:30 に再度連絡。' }),
  entry('severity', 480, { by: 'p1', by_name: '佐藤 恵', from: 3, to: 4 }), ...recent.slice(12).map(sightingEntry),
], 'p1')
grave.objects = [set, malware, campaign, ...indicators.slice(0, 3).map((one) => one.id)].map((id) => objects.get(id).summary)
openCase('偽の保守ポータルへの接続', 3, ['hakata-bank'], 5400, [entry('opened', 5400, { text: 'high-severity' })], 'p2')
openCase('港湾予約システムへの走査', 2, ['nagoya-port'], 15_800, [entry('opened', 15_800, { text: 'several-members' })], 'p2', 'green')
const closed = openCase('訓練用ドメインの誤検知', 1, ['ryukyu-telecom'], 190_000, [entry('opened', 190_000, { text: 'several-members' }), entry('closed', 180_000, { by: 'p2', by_name: '鈴木 亮', text: '自組織の検証環境によるものと確認' })], 'p2', 'green')
closed.summary.state = 'closed'

const source = (name, format, lag, unreadable = 0) => ({ name, format, behind_bytes: Math.round(lag * 9000), lag_seconds: lag, records: 4_812_233, unreadable })
export const edges = seenBy.map((id, n) => {
  const where = organisations.find((one) => one.id === id)
  const health = ['well', 'well', 'troubled', 'well', 'silent'][n]
  return {
    id: `${id}-edge-1`, name: `${where.name_ja} 監視点1`, organisation: id, sectors: where.sectors, health, heard: ago(health === 'silent' ? 420 : 3 + n), current_generation: sequence,
    hello: { version: '0.1.0', generation: sequence - (n === 2 ? 12 : 0), indicators: 412, refused: n === 2 ? 3 : 0, sources: [source('境界 IDS', 'eve', 1.2 + n), source('DNS', 'zeek-json', n === 2 ? 340 : 2.1, n === 2 ? 214 : 0)], records: 9_412_233 + n * 120_412_233, matches: 812 + n * 31, sent: 640 + n * 11, waiting: n === 4 ? 38 : 0, withheld: 172 + n, trouble: n === 2 ? 'log-unreadable' : null },
    ledger: sightings.filter((one) => one.organisation === id).slice(0, 20).map((one) => ({ at: one.date_added, sighting: one.id, indicator: one.indicator, indicator_name: one.indicator_name, contents: ['addresses: 2', 'domains: 1', 'ports: 1'] })),
  }
})
edges.push({ id: 'shinano-edge', name: '信濃水道 監視点', organisation: 'shinano-water', sectors: ['water'], health: 'new', heard: null, hello: null, current_generation: sequence, ledger: [] })

export function board() {
  const open = [...cases.values()].map((one) => one.summary).filter((one) => one.state === 'open').sort((a, b) => b.severity - a.severity)
  const now = Math.floor(Date.now() / 60_000) * 60_000
  const health = new Map()
  for (const edge of edges) health.set(edge.health, (health.get(edge.health) ?? 0) + 1)
  return {
    sectors: SECTORS.map((sector) => {
      const concerned = open.filter((one) => one.sectors.includes(sector))
      const members = organisations.filter((one) => one.sectors.includes(sector))
      return { sector, severity: concerned.length ? Math.max(...concerned.map((one) => one.severity)) : null, cases: concerned.length, sightings: sightings.filter((one) => one.sectors.includes(sector)).length, organisations: members.length, prefectures: [...new Set(members.map((one) => one.prefecture))] }
    }),
    last_hour: Array.from({ length: 60 }, (_, n) => { const start = now - (59 - n) * 60_000; return { at: new Date(start).toISOString(), count: sightings.filter((one) => { const at = Date.parse(one.date_added); return at >= start && at < start + 60_000 }).length } }),
    cases: open, sightings: sightings.slice(0, 50), edges: [...health], indicators: 12_412, sequence, as_of: new Date().toISOString(),
  }
}

export function references(id) {
  const of = (other) => objects.get(other)?.summary
  const refers_to = []
  const referred_by = []
  for (const relation of relations) {
    const object = of(relation.id)
    if (relation.source === id) referred_by.push({ property: relation.type, object, far: of(relation.target) })
    if (relation.target === id) referred_by.push({ property: relation.type, object, far: of(relation.source) })
    if (relation.id === id) refers_to.push({ property: 'source_ref', object: of(relation.source) }, { property: 'target_ref', object: of(relation.target) })
  }
  for (const { object, summary } of objects.values()) {
    if (object.object_refs?.includes(id)) referred_by.push({ property: 'object_refs', object: summary })
    if (object.id === id) for (const other of object.object_refs ?? []) refers_to.push({ property: 'object_refs', object: of(other) })
  }
  for (const one of sightings.filter((sighting) => sighting.indicator === id).slice(0, 8)) {
    referred_by.push({ property: 'sighting_of_ref', object: { sequence: one.sequence, id: one.id, object_type: 'sighting', name: one.organisation, description: one.values.join(' '), version: one.last_seen, date_added: one.date_added, marking: marking('amber'), originator: one.organisation, revoked: false, confidence: null, tags: [] } })
  }
  return { refers_to, referred_by, more: false }
}

export function nextSequence() {
  sequence += 1
  return sequence
}
export { ago, entry, sightingEntry }
