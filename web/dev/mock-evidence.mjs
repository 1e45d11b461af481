// Evidence of the first case, in the shapes of the hub's interface.
import { ago, cases } from './mock-data.mjs'

const ITEM = '5a1c6f0e-7d5b-4b6e-9d0e-1f2a3b4c5d6e'
const SHA256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bcd15f2d6a0f00a08a1c3'
const party = (organisation, name) => ({ organisation, account: name ? 'p1' : null, name: name ?? null })
const held = { id: 'h1', by: party('npa', '黒木 薫'), reason: '公判が終わるまで', legal_basis: '刑事訴訟法第99条', set: ago(80_000), lifted: null, lifted_by: null, lift_reason: null }
const lifted = { ...held, id: 'h2', reason: '誤って別の証拠品に設定した', set: ago(90_000), lifted: ago(85_000), lifted_by: '佐藤 恵', lift_reason: '対象の取り違え' }
const item = (more) => ({
  id: ITEM, case: [...cases.keys()][0], name: '踏み台端末のディスク.img', kind: 'disk-image', description: '港湾管理システムの踏み台にされた保守用端末の、電源断後に取得した全域のイメージ。書込み防止装置を使用。',
  collector: '警視庁サイバー捜査課 山田 太郎', seized_at: '2026-11-28T14:20:00+09:00[Asia/Tokyo]', seized_where: '東京港 第三ターミナル 計算機室', label: { tlp: 'amber', only: ['council', 'npa'] }, state: 'kept', organisation: 'npa',
  custodian: party('npa', '黒木 薫'), received: ago(90_000), size: 2_147_483_648, sha256: SHA256, sha3_256: SHA256.replaceAll('9', 'b'), kept_until: ago(-300_000_000), disposed: null, held: true,
  offer: { to: party('council'), at: ago(600), request: null }, entries: 6, may: ['download', 'accept', 'decline', 'label', 'hold', 'lift'], ...more,
})
const items = () => [
  item({}),
  item({ id: 'i2', name: '認証サーバーのログ.jsonl', kind: 'log', label: { tlp: 'red' }, custodian: party('council', '佐藤 恵'), organisation: 'council', held: false, offer: null, size: 48_211_004, may: ['download', 'offer', 'label', 'hold', 'dispose'] }),
  item({ id: 'i3', name: 'update.exe', kind: 'malware', state: 'announced', received: null, size: null, sha256: null, sha3_256: null, held: false, offer: null, entries: 0, may: ['upload'] }),
  item({ id: 'i4', name: '通信記録_11月.pcapng', kind: 'network-capture', state: 'disposed', disposed: ago(4000), held: false, offer: null, may: [] }),
]
const entry = (number, seconds, act, more = {}) => ({ number, at: ago(seconds), act, by: party('npa', '黒木 薫'), from: null, to: null, why: '捜索差押え', legal_basis: null, sha256: SHA256, facts: {}, hash: `${number}7`.repeat(32), leaf: 8400 + number, ...more })
const custody = () => [
  entry(1, 90_010, 'collected', { legal_basis: '刑事訴訟法第218条' }), entry(2, 90_000, 'received', { from: party('npa', '山田 太郎'), to: party('npa', '黒木 薫'), why: 'brought into the case' }), entry(3, 90_000, 'sealed', { by: null, why: 'sealed at rest' }),
  entry(4, 80_000, 'hold-set', { why: held.reason, legal_basis: held.legal_basis }), entry(5, 7000, 'downloaded', { by: party('council', '佐藤 恵'), why: '検体の解析' }), entry(6, 600, 'offered', { from: party('npa', '黒木 薫'), to: party('council'), why: '解析のため調整機関に引き渡す' }),
]
const request = {
  id: 'r1', case: [...cases.keys()][0], kind: 'hand-over', state: 'accepted', from: party('npa', '黒木 薫'), to: 'council', subject: '11月1日から20日までの、認証サーバーの接続記録', legal_basis: '刑事訴訟法第197条第2項', reference: 'サ捜発第118号', due: ago(3600), overdue: true, opened: ago(500_000), items: ['i2'], named: [],
  steps: [{ at: ago(500_000), step: 'asked', by: party('npa', '黒木 薫'), note: '', leaf: 8100 }, { at: ago(400_000), step: 'accepted', by: party('council', '佐藤 恵'), note: '期限までに提出します', leaf: 8160 }], may: ['fulfil', 'refuse'],
}

export const EVIDENCE_ROUTES = [
  ['GET', /^\/api\/v1\/cases\/([^/]+)\/evidence$/, ([id]) => ({ items: id === [...cases.keys()][0] ? items() : [], next: null, item_bytes_max: 4_294_967_296, retention_class: 'evidence-10y', audiences: { amber: ['coordinator', 'agency', 'operator'], 'amber+strict': ['coordinator'], red: [] }, as_of: ago(0) })],
  ['GET', /^\/api\/v1\/cases\/([^/]+)\/evidence-requests$/, ([id]) => ({ requests: id === [...cases.keys()][0] ? [request] : [], as_of: ago(0) })],
  ['GET', /^\/api\/v1\/evidence\/([^/]+)$/, ([id]) => ({ item: items().find((one) => one.id === id) ?? item({}), custody: custody(), holds: [lifted, held] })],
]
