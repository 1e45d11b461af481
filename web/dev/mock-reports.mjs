// Reports in the shapes of the hub's interface: one's own that was given to an agency of another hub and answered there, a copy that came
// from another hub, clocks and forms. `MOCK_REPORTS=empty`: a hub where nothing was reported and nobody can be given a copy.
import { ago } from './mock-data.mjs'
import { Refusal } from './mock-refusal.mjs'

const isEmpty = process.env.MOCK_REPORTS === 'empty'
const words = (ja, en) => ({ ja, en })
const choice = (id, ja, en) => ({ id, label: words(ja, en) })
const OWN = 'incident--0f5e2b1c-0000-4000-8000-00000000a001'
const CAME = 'incident--0f5e2b1c-0000-4000-8000-00000000a002'
const SHA256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bcd15f2d6a0f00a08a1c3'
const NPA_EAST = 'h2.keisatsu'

// ---- what there is to report with

const KINDS = [
  choice('ransomware', 'ランサムウェア', 'ransomware'), choice('ddos', 'DDoS攻撃', 'denial of service'), choice('intrusion', '不正侵入', 'intrusion'), choice('data-breach', '情報漏えい', 'data breach'),
  choice('banking-fraud', 'インターネットバンキング不正送金', 'online banking fraud'), choice('supply-chain', 'サプライチェーン', 'supply chain'), choice('near-miss', 'ヒヤリハット', 'near miss'),
]
const field = (id, type, ja, en, more = {}) => ({ id, type, kinds: [], emergency: false, profile: false, label: words(ja, en), help: null, unit: null, choices: [], ...more })
const FIELDS = [
  field('organisation_name', 'text', '組織名', 'name of the organisation', { profile: true }),
  field('summary', 'long-text', '概要', 'summary', { emergency: true, help: words('何が起き、今どうなっているか。分かる範囲で', 'What happened and how things stand, as far as you know.') }),
  field('service_state', 'choice', 'サービスの状態', 'state of the service', { emergency: true, choices: [choice('normal', '通常どおり', 'as usual'), choice('degraded', '一部に支障', 'degraded'), choice('stopped', '停止', 'stopped')] }),
  field('ongoing', 'yes-no', '攻撃・影響が続いている', 'the attack or its effects go on', { emergency: true }),
  field('contact', 'text', '今つながる連絡先', 'where to reach you now', { emergency: true, profile: true, help: words('侵害されたおそれのないもの', 'Something that the attacker does not read.') }),
  field('impact', 'long-text', '影響', 'impact'),
  field('systems_affected', 'list', '影響を受けたシステム', 'systems affected'),
  field('users_affected', 'number', '影響を受けた利用者数', 'users affected', { unit: words('人', 'users') }),
  field('service_deviation', 'yes-no', '重要インフラサービス維持レベルを逸脱した', 'below the service level set for critical infrastructure'),
  field('attack_path', 'choices', '侵入方法', 'way in', { choices: [choice('vulnerability', '脆弱性の悪用', 'a vulnerability'), choice('credentials', '認証情報の悪用', 'stolen credentials'), choice('remote-access', 'VPN・リモート接続', 'VPN or remote access')] }),
]
const MOMENTS = [choice('occurred', '発生', 'occurred'), choice('detected', '検知', 'detected'), choice('aware', '認知', 'became aware')]
const catalogue = () => ({ kinds: KINDS, moments: MOMENTS, fields: FIELDS, regimes: [], severity: [], severity_factors: [choice('sectors', '及ぶ分野', 'sectors concerned')].map((one) => ({ ...one, choices: [choice('one', '一つ', 'one'), choice('several', '複数', 'several')] })), significant_from: 3, file_bytes_max: 10_485_760 })

// ---- clocks

const REGIMES = {
  ransomware: { regime: 'jp.common.ransomware', regime_name: words('ランサムウェア事案共通様式', 'Japan: common form, ransomware') },
  ppc: { regime: 'jp.ppc', regime_name: words('個人情報保護法（漏えい等報告）', 'Japan: personal information (APPI)') },
  power: { regime: 'jp.power', regime_name: words('電気関係報告規則', 'Japan: reports on electric power') },
}
const POLICE = { recipient: 'police', recipient_name: words('都道府県警察', 'prefectural police') }
const PPC = { recipient: 'ppc', recipient_name: words('個人情報保護委員会', 'Personal Information Protection Commission') }
const duty = (regime, to, more) => ({
  report: OWN, title: '監視制御用の端末が暗号化された', ...regime, stage: 'first', stage_name: words('初報', 'first report'), ...to, owes: 'organisation', verdict: 'applies', because: [], state: 'running', light: 'green', verified: 'law', certain: true,
  start: ago(40_000), half_time: ago(-20_000), target: null, due: ago(-80_000), due_before_extension: null, met: null, late: false, filing: null, ...more,
})
const duties = () => [
  duty(REGIMES.power, { recipient: 'ministry', recipient_name: words('経済産業省（産業保安監督部）', 'METI, industrial safety department') }, { state: 'overdue', light: 'red', start: ago(90_000), due: ago(3600), half_time: ago(46_800) }),
  duty(REGIMES.ppc, PPC, { stage_name: words('速報', 'preliminary report'), state: 'half-time', light: 'amber', due: ago(-90_000), start: ago(260_000), half_time: ago(20_000), verdict: 'may-apply', because: ['users_affected'], certain: false, verified: 'secondary' }),
  duty(REGIMES.ransomware, POLICE, { state: 'prompt', light: 'uncertain', verified: 'unknown', due: null }),
  duty(REGIMES.ransomware, { recipient: 'nco', recipient_name: words('国家サイバー統括室', 'National Cybersecurity Office') }, { verdict: 'needs-consent', state: 'waiting', light: 'off', due: null, start: null }),
  duty(REGIMES.ppc, PPC, { stage: 'final', stage_name: words('確報', 'final report'), start: ago(40_000), due: ago(-2_500_000) }),
  duty(REGIMES.ransomware, { recipient: 'ministry', recipient_name: words('事業所管省庁', 'ministry in charge') }, { state: 'met', light: 'off', met: ago(7000) }),
]

// ---- reports

const filing = (event, regime, to, more = {}) => ({ event, ...regime, stage: 'first', stage_name: words('初報', 'first report'), ...to, given_to: null, given_to_name: null, object: null, at: ago(7000), by: 'p1', by_name: '佐藤 恵', copy: SHA256, size: 8412, leaf: 8412, ...more })
const reply = (event, answer, more = {}) => ({ event, regime: 'jp.common.ransomware', stage: 'first', recipient: 'police', at: ago(3600), by: '東 千尋, 東日本警察（東日本の調整機関）', by_name: null, answer, text: null, cases: [], ...more })
const event = (sequence, what, seconds, more = {}) => ({ sequence, id: `e${sequence}`, logged: ago(seconds), by: 'p1', by_name: '佐藤 恵', what, event: {}, withdrawn: false, leaf: 8400 + sequence, ...more })
const own = { id: OWN, organisation: 'council', organisation_name: null, hub: null, title: '監視制御用の端末が暗号化された', kinds: ['ransomware'], opened: ago(40_000), changed: ago(900), own: true, next_due: ago(3600) }
const came = { id: CAME, organisation: 'h2.water', organisation_name: words('東関東水道企業団', 'East Kanto Water'), hub: words('東日本の調整機関', 'Coordinator of the East'), title: null, kinds: [], opened: ago(9000), changed: ago(600), own: false, next_due: null }
const report = (summary, more) => ({ summary, version: 1, moments: [], fields: [], files: [], duties: [], filings: [], thread: [], findings: [], events: [], as_of: ago(0), ...more })
const reports = () => ({
  [OWN]: report(own, {
    version: 7, moments: [{ moment: 'detected', at: ago(41_000), logged: ago(39_900) }, { moment: 'aware', at: ago(40_000), logged: ago(39_900) }], duties: duties(),
    fields: [{ field: 'summary', value: '監視制御用の端末 3 台が暗号化された。制御系は手動運転に切り替え済み。', from: 'person' }, { field: 'service_state', value: 'degraded', from: 'person' }, { field: 'ongoing', value: true, from: 'person' }, { field: 'contact', value: '当直 03-0000-0000', from: 'profile' }, { field: 'attack_path', value: ['remote-access'], from: 'sightings' }],
    files: [{ name: '身代金要求文.txt', size: 1_204, sha256: SHA256, active: false }, { name: '暗号化された端末の一覧（監視制御室・2026年11月30日現在）.xlsm', size: 48_220, sha256: SHA256.replaceAll('9', 'c'), active: true }],
    filings: [
      filing('f1', REGIMES.ransomware, POLICE, { given_to: NPA_EAST, given_to_name: words('東日本警察（東日本の調整機関）', 'Police of the East (Coordinator of the East)'), object: 'report--0f5e2b1c-0000-4000-8000-00000000b001' }),
      filing('f2', REGIMES.ransomware, { recipient: 'ministry', recipient_name: words('事業所管省庁', 'ministry in charge') }, { given_to: 'npa', at: ago(6000) }),
      filing('f3', REGIMES.ppc, PPC, { at: ago(5000) }),
    ],
    thread: [reply('a1', 'acknowledged', { at: ago(6800) }), reply('a2', 'requested', { text: '暗号化された端末の台数と、監視制御系との接続の有無を、12月1日 9時までに報告してください。' }), reply('a3', 'advice', { by: 'k1', by_name: '黒木 薫', at: ago(1800), text: '同じ手口が港湾でも確認されています。保守用 VPN の接続元を制限してください。\n復号鍵の購入には応じないでください。' })],
    events: [event(1, 'kind', 40_000), event(2, 'happened', 40_000), event(3, 'stated', 39_900), event(4, 'attached', 20_000, { withdrawn: true }), event(5, 'withdrawn', 19_000), event(6, 'filed', 7000), event(7, 'answered', 3600, { by: '東 千尋, 東日本警察（東日本の調整機関）', by_name: null })],
  }),
  [CAME]: report(came, { filings: [filing('f9', REGIMES.ransomware, POLICE, { given_to: 'council', at: ago(9000), by: 'h2.water', by_name: '東関東水道企業団', object: 'report--0f5e2b1c-0000-4000-8000-00000000b002', receipt: { state: 'verified', checked: ago(8900) } }), filing('f10', REGIMES.ransomware, { recipient: 'ministry', recipient_name: words('事業所管省庁', 'ministry in charge') }, { given_to: 'council', at: ago(8000), by: 'h2.water', by_name: '東関東水道企業団', object: 'report--0f5e2b1c-0000-4000-8000-00000000b003', receipt: { state: 'wrong', why: 'it is the receipt of another copy than the one that came', why_reason: { code: 'other-copy', arguments: {} }, checked: ago(7900) } })], thread: [reply('a9', 'acknowledged', { by: 'council', by_name: '佐藤 恵', at: ago(600) })] }),
})

const line = (id, ja, en, shown, more = {}) => ({ field: id, label: words(ja, en), shown, from: 'person', mark: null, required: false, ...more })
const same = (text) => words(text, text)
const form = (report, regime, stage, recipient) => {
  const one = duties().find((each) => each.regime === regime && each.stage === stage && each.recipient === recipient) ?? duties()[2]
  return {
    ...Object.fromEntries(['regime', 'regime_name', 'stage', 'recipient', 'recipient_name', 'verified'].map((name) => [name, one[name]])), name: one.stage_name, channel: words('都道府県警察本部のサイバー事案に関する通報等の窓口', 'The desk for cyber incidents of the prefectural police'), version: 7, as_of: ago(0),
    lines: [
      line('@organisation', '組織名', 'organisation', words('評議会事務局', 'Council Office'), { required: true, from: 'profile' }), line('@kind', '種別', 'kind', words('ランサムウェア', 'ransomware'), { required: true }),
      line('summary', '事案の状況', 'situation', same('監視制御用の端末 3 台が暗号化された。制御系は手動運転に切り替え済み。'), { required: true }), line('impact', '影響', 'impact', same(''), { required: true, mark: 'missing', from: null }),
      line('attack_path', '侵入方法', 'way in', words('VPN・リモート接続', 'VPN or remote access'), { from: 'sightings', mark: 'unconfirmed' }), line('users_affected', '影響を受けた利用者数', 'users affected', same(''), { mark: 'not-known-yet', from: null }),
    ],
    left_out: [choice('contact', '今つながる連絡先', 'where to reach you now')], complete: false, text: same(''),
  }
}

const receivers = () => ({
  hubs: isEmpty ? [{ hub: null, name: words('評議会事務局', 'Council Office'), organisations: [] }] : [
    { hub: null, name: words('評議会事務局', 'Council Office'), organisations: [{ id: 'npa', name: words('警察庁サイバー警察局', 'National Police Agency') }] },
    { hub: 'east', name: words('東日本の調整機関', 'Coordinator of the East'), organisations: [{ id: NPA_EAST, name: words('東日本警察', 'Police of the East') }, { id: 'h2.cert', name: words('東日本サイバーセキュリティ対応調整センター（インシデント報告窓口）', 'East Japan Cyber Security Coordination Centre, incident desk') }] },
  ],
  as_of: ago(0),
})

const one = (id) => {
  const found = reports()[id]
  if (!found) throw new Refusal(404, 'not-found', 'no such report')
  return found
}
const taken = (id) => ({ id, events: [], already: false, findings: [] })
function filed(id, body) {
  if (body.given_to === 'h2.cert') throw new Refusal(422, 'unprocessable', 'given_to: `h2.cert` is no organisation of a neighbouring hub that can be given your reports; `GET /api/v1/report-receivers` tells who can, and an agreement has to let reports through')
  return one(id).filings[0]
}

export const REPORT_ROUTES = [
  ['GET', /^\/api\/v1\/report-catalogue$/, catalogue],
  ['GET', /^\/api\/v1\/report-profile$/, () => ({ fields: isEmpty ? {} : { organisation_name: '評議会事務局', contact: '当直 03-0000-0000' } })],
  ['PUT', /^\/api\/v1\/report-profile$/, (_, body) => body],
  ['GET', /^\/api\/v1\/report-receivers$/, receivers],
  ['GET', /^\/api\/v1\/report-duties$/, () => ({ duties: isEmpty ? [] : duties(), reports: isEmpty ? 0 : 1, as_of: ago(0) })],
  ['GET', /^\/api\/v1\/reports$/, () => ({ reports: isEmpty ? [] : [own, came], next: null, as_of: ago(0) })],
  ['POST', /^\/api\/v1\/reports$/, () => taken(OWN)],
  ['GET', /^\/api\/v1\/reports\/([^/]+)$/, ([id]) => one(id)],
  ['GET', /^\/api\/v1\/reports\/([^/]+)\/forms\/([^/]+)\/([^/]+)\/([^/]+)$/, (names) => form(...names)],
  ['POST', /^\/api\/v1\/reports\/([^/]+)\/filings$/, ([id], body) => filed(id, body)],
  ['POST', /^\/api\/v1\/reports\/([^/]+)\/(?:events|prefill|answers)$/, ([id]) => taken(id)],
]
