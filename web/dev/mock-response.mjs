// Our own playbooks, a run that waits for an approval, and orders, in the shapes of the hub's interface.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { ago, cases } from './mock-data.mjs'

const FOLDER = new URL('../../playbooks/', import.meta.url).pathname
const SAFEGUARDS = 'extension-definition--6cee69f3-60da-437f-91f8-8c918b75decb'
const TRANSLATIONS = 'extension-definition--e80ed54f-ac38-4219-88bb-dd24c7305432'
const documents = readdirSync(FOLDER).filter((name) => name.endsWith('.json')).map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')))

const said = (document, pointer, en) => (en === undefined ? null : { ja: document.playbook_extensions?.[TRANSLATIONS]?.ja?.[pointer] ?? en, en })

function step(document, [id, one]) {
  const at = `/workflow/${id}`
  const guards = one.step_extensions?.[SAFEGUARDS]
  return {
    id, kind: one.type, name: said(document, `${at}/name`, one.name), description: said(document, `${at}/description`, one.description), agent: one.agent ?? null, targets: one.targets ?? [],
    commands: (one.commands ?? []).map((command, place) => ({ kind: command.type, text: said(document, `${at}/commands/${place}/command`, command.command), body: command.content_b64 ? Buffer.from(command.content_b64, 'base64').toString() : null, activity: command.playbook_activity ?? null })),
    condition: one.condition ?? one.switch ?? null, calls: one.playbook_id ?? null, delay_ms: one.delay ?? null, timeout_ms: one.timeout ?? null, in_args: one.in_args ?? [], out_args: one.out_args ?? [],
    safeguards: guards ? { approvals: guards.approval?.required ?? null, approvers: [], exclude_requester_organisation: false, approval_expires_after_ms: guards.approval?.expires_after ?? null, basis: guards.authority?.basis ?? null, reference: guards.authority?.reference ?? null, inverse: (guards.inverse ?? []).map((inverse) => inverse !== null), ...guards.blast_radius, stop_after_ms: guards.stop_after ?? null } : null,
  }
}

const ways = (document) => Object.entries(document.workflow).flatMap(([from, one]) => [
  ...(one.next_steps ?? []).map((to, place) => ({ from, to, kind: 'branch', case: String(place + 1) })),
  ...Object.entries(one.cases ?? {}).map(([name, to]) => ({ from, to, kind: 'branch', case: name })),
  ...[['on_true', 'true'], ['on_false', 'false']].filter(([key]) => one[key]).map(([key, name]) => ({ from, to: one[key], kind: 'branch', case: name })),
  ...['on_completion', 'on_success', 'on_failure'].filter((key) => one[key]).map((kind) => ({ from, to: one[kind], kind, case: null })),
])

const graph = (document) => ({ start: document.workflow_start, exception: document.workflow_exception ?? null, steps: Object.entries(document.workflow).map((one) => step(document, one)), edges: ways(document) })
const variables = (document) => Object.entries(document.playbook_variables ?? {}).map(([name, one]) => ({ name, kind: one.type, description: said(document, `/playbook_variables/${name}/description`, one.description), value: one.value ?? null, constant: one.constant ?? false, external: one.external ?? false }))
const summary = (document) => ({
  id: document.id, modified: document.modified, name: said(document, '/name', document.name), description: said(document, '/description', document.description), types: document.playbook_types ?? [], activities: [], labels: document.labels ?? [], severity: document.severity ?? null,
  library: true, organisation: null, organisation_name: null, added: document.modified, signers: [], errors: 0, warnings: 0, revoked: false, runnable: true, why_not: null, versions: 1,
})
const agents = (document) => [['agent', document.agent_definitions], ['target', document.target_definitions]].flatMap(([role, all]) => Object.entries(all ?? {}).map(([id, one]) => ({ id, kind: one.type, name: said(document, `/${role}_definitions/${id}/name`, one.name), role })))
const playbook = (document) => ({ summary: summary(document), digest: 'a7'.repeat(32), document, findings: [{ severity: 'note', code: 'unused-agent', at: '/agent_definitions', message: 'an agent is defined and never used' }], graph: graph(document), variables: variables(document), agents: agents(document), versions: [document.modified] })

const document = documents.find(({ labels }) => labels.includes('dns'))
const [asked] = Object.entries(document.workflow).find(([, one]) => one.step_extensions?.[SAFEGUARDS])
const asker = { organisation: 'council', name: '佐藤 恵', at: ago(400) }
const deny = { action: 'deny', target: { domain_name: 'cdn.update-jp.example' }, args: { stop_time: 1_796_090_000_000, response_requested: 'complete' } }
const command = { key: 'c1', kind: 'openc2-http', text: 'POST /.well-known/openc2 HTTP/1.1', body: JSON.stringify(deny), agent: 'Orchestrator of the hub', target: 'kinki-power-1', inverse: JSON.stringify({ ...deny, action: 'allow' }), stop_after_ms: 86_400_000, basis: 'Consent of the operator whose network it is', reference: 'consent-2026-118', radius: { addresses_max: 1, traffic_percent_max: 0.5, actions_per_hour_max: 20 }, rollout: { shadow_ms: 300_000, canary: true, canary_watch_ms: 600_000 } }
const action = document.workflow[asked]
const manual = Object.entries(document.workflow).find(([id, one]) => id !== asked && one.commands?.[0]?.type === 'manual' && one.out_args)
const states = new Map([[document.workflow_start, 'over'], [manual[0], 'over'], [asked, 'under_way']])
const event = (number, name, seconds, more = {}) => ({ number, at: ago(seconds), event: name, step: null, by: null, detail: null, ...more })
export const run = () => ({
  summary: { id: 'run-1', playbook: document.id, version: document.modified, name: said(document, '/name', document.name), case: [...cases.keys()][0] ?? null, state: 'waiting', why: null, requested_by: asker, organisation: 'council', started: ago(400), changed: ago(20), ended: null, questions: 1, tasks: 1, unknown: 0 },
  graph: graph(document), steps: [...states].map(([id, state]) => ({ playbook: document.id, step: id, state })), variables: variables(document),
  questions: [{ number: 0, run: 'run-1', step: asked, step_name: said(document, `/workflow/${asked}/name`, action.name), state: 'open', hash: '5c0e'.repeat(16), expires: ago(-1500), required: 2, given: [{ organisation: 'npa', name: '黒木 薫', at: ago(60) }], commands: [command], may_answer: true, why_not: null, alone_ms: 900_000 }],
  tasks: [{ key: 't1', run: 'run-1', step: manual[0], step_name: said(document, `/workflow/${manual[0]}/name`, manual[1].name), text: said(document, `/workflow/${manual[0]}/commands/0/command`, manual[1].commands[0].command), agent: { ja: 'ネットワーク担当', en: 'Network team' }, state: 'open', gives: variables(document).filter(({ name }) => manual[1].out_args.includes(name)) }],
  commands: [], events: [event(1, 'started', 400, { by: asker }), event(2, 'step-entered', 398, { step: manual[0] }), event(3, 'approval-asked', 120, { step: asked }), event(4, 'approval-given', 60, { step: asked, by: { organisation: 'npa', name: '黒木 薫', at: ago(60) }, detail: '事業者の同意を確認済み' })], may_cancel: true,
})
const order = (n, state, more = {}) => ({
  command_id: `0f5e2b1c-0000-4000-8000-00000000000${n}`, edge: n < 4 ? 'kinki-power-1' : 'nagoya-port-1', organisation: 'kinki-power', organisation_name: '近畿電力', sequence: n, about: { command_id: `c${n}`, run: 'run-1', playbook: document.name, step: action.name, case: null, requested_by: asker, approved_by: [{ organisation: 'npa', name: '黒木 薫', at: ago(60) }], basis: command.basis, reference: command.reference, undoes: null },
  command: deny, ordered: ago(3600 * n), expires: ago(-3600), stops: ago(-3600 * (9 - n)), state, stopped: state === 'enforced' ? 124_820 : null, reports: state === null ? [] : [{ command_id: `c${n}`, number: 1, at: ago(3500 * n), state: 'taken', response: null, why: null, stopped: null }, { command_id: `c${n}`, number: 2, at: ago(3400 * n), state, response: null, why: state === 'drifted' ? 'the set holds another element for this address' : null, stopped: null }], undone_by: null, may_undo: true, ...more,
})
const orders = [order(1, null), order(2, 'enforced'), order(3, 'drifted'), order(4, 'waiting'), order(5, 'expired')]

// What another hub asks for, what one person approved alone, and what is asked of people outside.
const requests = [{
  id: 'r1', peer: 'east', edge: 'kinki-power-1', organisation: 'kinki-power', state: 'waiting', why: null, command: deny, hash: '3b9a'.repeat(16), agreement: 'east-kinki', asked: ago(90), expires: ago(-3000), stops: ago(-7200),
  given: [], may_answer: true, note: 'yagura-order-request/v1\n{"from":"…","to":"…"}\n\n— east …',
  about: { command_id: 'e1', run: null, playbook: '東日本の攻撃を止める', step: 'Block', case: null, requested_by: { organisation: '東日本の協議会 / Council of the East', name: null, at: ago(300) }, approved_by: [{ organisation: '警察庁 / National Police Agency', name: null, at: ago(120) }], basis: command.basis, reference: command.reference, undoes: null, hubs: { asking: '東の櫓 / Yagura of the East', ordering: '協議会の櫓 / Yagura of the council' } },
}]
const lone = [{ id: 'l1', run: 'run-1', step: asked, hash: '5c0e'.repeat(16), approved_by: { organisation: 'npa', name: '黒木 薫', at: ago(4000) }, requested_by: '調整機関 / Coordinator', reason: '夜間で他の承認者に連絡がつかず、攻撃が続いている', review_due: ago(-200_000), state: 'waits', reviewed_by: null, finding: null, may_review: true }]
const outreach = [{
  id: 'o1', kind: 'take-down', organisation: '調整機関 / Coordinator', recipient: 'Example Hosting', way: 'abuse@hosting.example', about: ['https://cdn.update-jp.example/a.exe', '198.51.100.7'], text: 'Please take this page down.', basis: 'Terms of use, section 4', tlp: 'green', case: null, run: null,
  state: 'sent', created: ago(9000), changed: ago(8000), due: ago(600), is_overdue: true, may_become: ['sent', 'acknowledged', 'done', 'refused', 'withdrawn'],
  steps: [{ by: asker, state: 'draft', words: null }, { by: { ...asker, at: ago(8000) }, state: 'sent', words: 'ticket 4711' }],
}]

export const RESPONSE_ROUTES = [
  ['GET', /^\/api\/v1\/orders\/asked$/, () => ({ orders: requests, next: null, required: 1 })],
  ['POST', /^\/api\/v1\/orders\/asked\/[^/]+\/.*$/, () => requests[0]],
  ['GET', /^\/api\/v1\/lone-approvals$/, () => ({ approvals: lone })],
  ['POST', /^\/api\/v1\/lone-approvals\/[^/]+\/review$/, () => lone[0]],
  ['GET', /^\/api\/v1\/outreach$/, () => ({ outreach, next: null })],
  ['POST', /^\/api\/v1\/outreach.*$/, () => outreach[0]],
  ['GET', /^\/api\/v1\/playbooks$/, () => ({ playbooks: documents.map(summary) })],
  ['GET', /^\/api\/v1\/playbooks\/([^/]+)$/, ([id]) => playbook(documents.find((one) => one.id === id) ?? document)],
  ['GET', /^\/api\/v1\/runs$/, () => ({ runs: [run().summary], next: null })],
  ['GET', /^\/api\/v1\/runs\/[^/]+$/, run],
  ['POST', /^\/api\/v1\/runs\/[^/]+\/.*$/, run],
  ['GET', /^\/api\/v1\/orders$/, () => ({ orders, next: null, key: { issuer: 'council', key: 'MCowBQYDK2VwAyEAexampleexampleexampleexample=' } })],
  ['POST', /^\/api\/v1\/orders\/[^/]+\/undo$/, () => orders[1]],
]
