import type { components } from './schema.ts'

type Words = components['schemas']['Words']

export interface EdgeOrders {
  orders: EdgeOrder[]
  sequence: number
}

export interface EdgeOrder {
  sequence: number
  message: unknown
  about: OrderContext
}

export interface OrderContext {
  command_id: string
  run?: string | null
  playbook?: string | null
  step?: string | null
  case?: string | null
  requested_by: OrderPerson
  approved_by: OrderPerson[]
  basis?: string | null
  reference?: string | null
  undoes?: string | null
}

export interface OrderPerson {
  organisation: string
  name?: string | null
  at: string
}

export interface OrderReportsPosted {
  reports: OrderReport[]
}

export interface OrderReport {
  command_id: string
  number: number
  at: string
  state: OrderState
  response?: unknown | null
  why?: string | null
  stopped?: number | null
}

export type OrderState = 'taken' | 'waiting' | 'refused' | 'shadow' | 'enforced' | 'drifted' | 'failed' | 'released' | 'expired'

export interface OrderReportsAccepted {
  kept: number
}

export interface PlaybookList {
  playbooks: PlaybookSummary[]
}

export interface PlaybookSummary {
  id: string
  modified: string
  name: Words
  description?: Words | null
  types: string[]
  activities: string[]
  labels: string[]
  severity?: number | null
  library: boolean
  organisation?: string | null
  organisation_name?: string | null
  added: string
  signers: string[]
  errors: number
  warnings: number
  revoked: boolean
  runnable: boolean
  why_not?: string | null
  versions: number
}

export interface NewPlaybook {
  document: string
}

export interface PlaybookAdded {
  playbook: PlaybookSummary
  findings: PlaybookFinding[]
  already: boolean
}

export interface Playbook {
  summary: PlaybookSummary
  digest: string
  document: unknown
  findings: PlaybookFinding[]
  graph: PlaybookGraph
  variables: PlaybookVariable[]
  agents: PlaybookAgent[]
  versions: string[]
}

export interface PlaybookFinding {
  severity: string
  code: string
  at: string
  message: string
}

export interface PlaybookGraph {
  start?: string | null
  exception?: string | null
  steps: PlaybookStep[]
  edges: PlaybookEdge[]
}

export interface PlaybookStep {
  id: string
  kind: string
  name?: Words | null
  description?: Words | null
  agent?: string | null
  targets: string[]
  commands: PlaybookCommand[]
  condition?: string | null
  calls?: string | null
  safeguards?: StepSafeguards | null
  delay_ms?: number | null
  timeout_ms?: number | null
  in_args: string[]
  out_args: string[]
}

export interface PlaybookCommand {
  kind: string
  text: Words
  body?: string | null
  activity?: string | null
}

export interface StepSafeguards {
  approvals?: number | null
  approvers: string[]
  exclude_requester_organisation: boolean
  approval_expires_after_ms?: number | null
  basis?: string | null
  reference?: string | null
  inverse: boolean[]
  addresses_max?: number | null
  ipv4_prefix_min?: number | null
  ipv6_prefix_min?: number | null
  traffic_percent_max?: number | null
  actions_per_hour_max?: number | null
  stop_after_ms?: number | null
}

export interface PlaybookEdge {
  from: string
  to: string
  kind: string
  case?: string | null
}

export interface PlaybookVariable {
  name: string
  kind: string
  description?: Words | null
  value: unknown
  constant: boolean
  external: boolean
}

export interface PlaybookAgent {
  id: string
  kind: string
  name: Words
  role: string
}

export interface NewRun {
  id: string
  playbook: string
  version?: string | null
  case?: string | null
  variables?: Record<string, unknown>
}

export interface RunList {
  runs: RunSummary[]
  next?: string | null
}

export type RunState = 'running' | 'waiting' | 'paused' | 'succeeded' | 'failed' | 'cancelled'

export interface RunSummary {
  id: string
  playbook: string
  version: string
  name: Words
  case?: string | null
  state: RunState
  why?: string | null
  requested_by: OrderPerson
  organisation: string
  started: string
  changed: string
  ended?: string | null
  questions: number
  tasks: number
  unknown: number
}

export interface Run {
  summary: RunSummary
  graph: PlaybookGraph
  steps: RunStep[]
  variables: RunVariable[]
  questions: RunQuestion[]
  tasks: RunTask[]
  commands: RunDispatch[]
  events: RunEvent[]
  may_cancel: boolean
}

export interface RunStep {
  playbook: string
  step: string
  state: string
}

export interface RunVariable {
  name: string
  kind: string
  description?: Words | null
  value: unknown
}

export interface RunQuestion {
  number: number
  run: string
  step: string
  step_name?: Words | null
  state: string
  hash?: string | null
  expires: string
  required: number
  given: OrderPerson[]
  commands: RunCommand[]
  may_answer: boolean
  why_not?: string | null
}

export interface RunCommand {
  key: string
  kind: string
  text?: string | null
  body?: string | null
  agent: string
  target?: string | null
  inverse?: string | null
  stop_after_ms?: number | null
  basis?: string | null
  reference?: string | null
  radius?: RunRadius | null
}

export interface RunRadius {
  addresses_max?: number | null
  ipv4_prefix_min?: number | null
  ipv6_prefix_min?: number | null
  traffic_percent_max?: number | null
  actions_per_hour_max?: number | null
}

export interface RunDispatch {
  command: RunCommand
  step: string
  state: string
  stops?: string | null
  undoes?: string | null
}

export interface RunTask {
  key: string
  run: string
  step: string
  step_name?: Words | null
  text: Words
  agent: Words
  state: string
  gives: RunVariable[]
}

export interface RunEvent {
  number: number
  at: string
  event: string
  step?: string | null
  by?: OrderPerson | null
  detail?: string | null
}

export interface RunAnswer {
  hash: string
  reason?: string | null
}

export interface RunCancel {
  reason: string
  undo?: boolean
}

export interface RunTaskDone {
  values?: Record<string, unknown>
}

export interface RunTaskFailed {
  reason: string
}

export type RunFound = { found: 'happened'; values?: Record<string, unknown> } | { found: 'not_happened' } | { found: 'failed'; reason: string }

export interface OrderList {
  orders: OrderInfo[]
  next?: string | null
  key: OrderKey
}

export interface OrderKey {
  issuer: string
  key: string
}

export interface OrderInfo {
  command_id: string
  edge: string
  organisation: string
  organisation_name: string
  sequence: number
  about: OrderContext
  command: unknown
  ordered: string
  expires: string
  stops?: string | null
  state?: OrderState | null
  stopped?: number | null
  reports: OrderReport[]
  undone_by?: string | null
  may_undo: boolean
}

export interface OrderUndo {
  reason: string
}
