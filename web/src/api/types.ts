// The hub's wire types, as `crates/api` writes them. Regenerate the full description with `npm run api`.

export interface Problem {
  type: string
  title: string
  status: number
  code: string
  reason?: string
  params?: Record<string, string>
  detail?: string
  request?: string
}

export interface Node {
  name_ja: string
  name_en: string
  realm: string
  version: string
  policies: string
  policies_refused: boolean
  transparency: boolean
  passwords: boolean
}

export interface Person {
  id: string
  login: string
  name: string
  organisation: string
  roles: string[]
  disabled?: boolean
}

export interface SessionInfo {
  id: string
  created: string
  seen: string
  expires: string
  means: string
  provider?: string | null
  address: string
  agent: string
  current: boolean
}

export interface IdentityInfo {
  provider: string
  issuer: string
  subject: string
  created: string
  last_used?: string | null
}

export interface IdentityProvider {
  id: string
  organisation: string
  issuer: string
  client: string
  redirect: string
  origins: string[]
  name_claim: string
  role_claim?: string | null
  role_map: Record<string, string>
  suspended: boolean
  created: string
}

export interface Recovery {
  id: string
  person: string
  person_name: string
  reason: string
  asked_by: string
  asked_by_name: string
  asked: string
  expires: string
  decided_by_name?: string | null
  decided?: string | null
  state: string
}

export interface EndingInfo {
  kind: string
  id: string
  name: string
  at: string
}

export interface EndingList {
  endings: EndingInfo[]
}

export interface EmergencyList {
  emergencies: EmergencyInfo[]
  minutes_max: number
}

export interface EmergencyInfo {
  id: string
  person: string
  person_name: string
  organisation: string
  scope: string
  reason: string
  raised: string
  until: string
  ended_by_name?: string
  review_due: string
  objects_read: number
  reviewed_by_name?: string
  reviewed?: string
  finding?: string
  state: string
  own: boolean
}

export interface NewEmergency {
  originator?: string
  tlp?: string
  class?: string
  object?: string
  reason: string
  minutes: number
}

export interface DefinedQualifications {
  qualifications: DefinedQualification[]
}

export interface DefinedQualification {
  qualification: string
  name_ja: string
  name_en: string
  law_ja: string
  law_en: string
  years_max: number
  includes: string[]
  marking: string
}

export interface QualificationList {
  qualifications: HeldQualification[]
}

export interface HeldQualification {
  id: string
  person: string
  person_name: string
  organisation: string
  qualification: string
  since: string
  until: string
  evidence: string
  asked_by_name: string
  asked_by: string
  asked: string
  expires: string
  decided_by_name?: string
  decided?: string
  ended_by_name?: string
  ended?: string
  reason?: string
  state: string
}

export interface NewQualification {
  qualification: string
  since: string
  until: string
  evidence: string
}

export interface RecoveryList {
  recoveries: Recovery[]
}

export interface IdentityProviderList {
  providers: IdentityProvider[]
}

export interface NewIdentityProvider {
  id: string
  organisation: string
  issuer: string
  client: string
  secret?: string | null
  certificate?: string | null
  origins?: string[]
  name_claim?: string | null
  role_claim?: string | null
  role_map?: Record<string, string>
}

export interface ProviderAnswer {
  provider: string
  state: string
  code: string
  iss?: string | null
}

export interface Organisation {
  id: string
  name_ja: string
  name_en: string
  role: string
  sectors: string[]
  prefecture: number | null
  identity: string
}

export interface NewOrganisation {
  id: string
  name_ja: string
  name_en: string
  role: string
  sectors: string[]
  prefecture: number | null
}

export type Operation = 'read' | 'see-releases' | 'ask-release' | 'widen-release' | 'restrict-release' | 'ask-questions' | 'submit-anonymously' | 'open-seals' | 'agree' | 'manage-groups' | 'request-authorisation' | 'see-authorisations' | 'decide-authorisation' | 'constitute-commission' | 'publish-statistics' | 'write' | 'delete' | 'work-cases' | 'see-edges' | 'administer' | 'inspect' | 'write-reports' | 'file-reports' | 'answer-reports' | 'qualify-people' | 'raise-emergency' | 'review-emergencies' | 'read-runs' | 'run-playbooks' | 'approve-actions' | 'undo-actions' | 'receive-orders' | 'see-evidence' | 'handle-evidence' | 'keep-evidence' | 'request-evidence' | 'answer-evidence'

export interface Session {
  person: Person
  organisation: Organisation
  node: Node
  csrf: string
  proved: string
  credential_needed: boolean
  may: Operation[]
}

export interface NewPerson {
  login: string
  name: string
  organisation: string
  roles: string[]
}

export interface AddedPerson {
  person: Person
  sign_in: string
}

export interface PasskeyInfo {
  id: string
  name: string
  created: string
}

export interface Challenge<Options> {
  challenge_id: string
  options: Options
}

export interface NewToken {
  organisation: string
  roles: string[]
  name: string
  expires?: string
  doors?: string[]
  certificate?: string | null
}

export interface TokenInfo {
  id: string
  name: string
  organisation: string
  roles: string[]
  created: string
  expires: string
  last_used: string | null
  doors?: string[]
  certificate?: string | null
}

export interface TokenIssued {
  info: TokenInfo
  token: string
}

export interface AuditRow {
  index: number
  at: string
  action: string
  outcome: string
  actor_kind: string
  actor: string | null
  organisation: string | null
  purpose: string
  objects: string[]
  detail: Record<string, string>
  leaf: string
}

export interface AuditList {
  rows: AuditRow[]
  next: number | null
  size: number
}

export interface Marking {
  tlp?: string | null
  statements: string[]
}

export interface ObjectSummary {
  sequence: number
  id: string
  object_type: string
  name: string
  description?: string | null
  version?: string | null
  date_added: string
  marking: Marking
  originator: string
  revoked: boolean
  confidence?: number | null
  tags: string[]
}

export interface ObjectPage {
  objects: ObjectSummary[]
  count: number
  count_max: number
  next?: string | null
  as_of: string
  similar?: ObjectSummary[]
}

export interface ObjectVersion {
  sequence: number
  version: string | null
  date_added: string
  hash: string
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type StixObject = { [key: string]: Json }

export interface ObjectDetail {
  summary: ObjectSummary
  object: StixObject
  audience: string[]
  because: string[]
  versions: ObjectVersion[]
  sightings: number
  routes?: ObjectRoute[]
}

export interface RouteHop {
  hub: string
  peer?: string | null
}

/** How a version came from another hub. */
export interface ObjectRoute {
  version_key: string
  peer: string
  organisation: string
  hops: RouteHop[]
  agreement?: string | null
  received: string
  held: boolean
}

export interface PeerCounts {
  accepted: number
  duplicates: number
  refused: number
  conflicts: number
  withdrawn: number
  malformed: number
  sent: number
  taken_back: number
}

export interface PeerConflict {
  id: string
  version?: string | null
  hash: string
  at: string
}

/** By a connection, or over a data diode: written into a folder, or taken out of one. */
export type PeerWay = 'link' | 'outlet' | 'inlet'

export interface NumberRun {
  first: number
  last: number
}

export interface QuarantinedFile {
  name: string
  why: string
  at: string
}

/** How the folder of a one-way peer is. */
export interface PeerFolder {
  path: string
  series: string
  number: number
  at?: string | null
  files: number
  bytes: number
  files_max?: number | null
  bytes_max?: number | null
  full: boolean
  missing: NumberRun[]
  quarantined: number
  last_quarantined?: QuarantinedFile | null
}

/** Another hub. */
export interface Peer {
  id: string
  hub: string
  organisation: string
  name_ja: string
  name_en: string
  address?: string | null
  one_way: boolean
  way: PeerWay
  folder?: PeerFolder | null
  fingerprint: string
  link: 'up' | 'down' | 'waiting' | 'elsewhere' | 'suspended'
  reason?: string | null
  trouble?: string | null
  trouble_at?: string | null
  heard?: string | null
  caught_up: boolean
  behind: number
  acknowledged?: string | null
  clock_ahead_seconds?: number | null
  counts: PeerCounts
  conflicts?: PeerConflict[]
}

export interface StrangerHub {
  fingerprint: string
  times: number
  at: string
}

export interface OwnHub {
  hub: string
  address?: string | null
  one_way: boolean
  fingerprint: string
}

export interface PeerList {
  peers: Peer[]
  strangers: StrangerHub[]
  own: OwnHub
  as_of: string
}

export interface PeerCard {
  card: string
}

export interface NewPeer {
  card?: string
  way?: PeerWay
  series?: string
  files_max?: number
  bytes_max?: number
  organisation: string
  id?: string
  address?: string
}

export interface Reference {
  property: string
  object: ObjectSummary
  far?: ObjectSummary | null
}

export interface ObjectReferences {
  refers_to: Reference[]
  referred_by: Reference[]
  more: boolean
}

export interface CaseSummary {
  id: string
  number: number
  title: string
  severity: number
  state: string
  assignee: string | null
  assignee_name: string | null
  members: string[]
  sectors: string[]
  sightings: number
  opened: string
  changed: string
  last_seen: string
  marking: Marking
  revision: number
}

export interface CaseList {
  cases: CaseSummary[]
  open: number
  as_of: string
}

export interface CaseEntry {
  at: string
  by: string | null
  by_name: string | null
  organisation: string | null
  kind: string
  text: string | null
  from: number | null
  to: number | null
  object: string | null
  indicator: string | null
  indicator_name: string | null
}

export interface Case {
  summary: CaseSummary
  timeline: CaseEntry[]
  objects: ObjectSummary[]
}

export interface NewCase {
  title: string
  severity: number
  objects: string[]
}

export interface CaseChange {
  revision: number
  title?: string
  severity?: number
  assignee?: string
  state?: 'open' | 'closed'
  reason?: string
}

export interface SourceHealth {
  name: string
  format: string
  behind_bytes: number
  lag_seconds: number | null
  records: number
  unreadable: number
}

export interface EdgeHello {
  version: string
  generation: number
  indicators: number
  refused: number
  sources: SourceHealth[]
  records: number
  matches: number
  sent: number
  waiting: number
  withheld: number
  trouble: string | null
  quarantined?: number
  quarantined_indicators?: string[]
}

export type EdgeHealth = 'well' | 'troubled' | 'silent' | 'new'

export interface EdgeLedgerEntry {
  at: string
  sighting: string
  indicator: string
  indicator_name: string
  contents: string[]
}

export interface EdgeStatus {
  id: string
  name: string
  organisation: string
  sectors: string[]
  health: EdgeHealth
  heard: string | null
  hello: EdgeHello | null
  current_generation: number
  ledger: EdgeLedgerEntry[]
}

export interface EdgeList {
  edges: EdgeStatus[]
  as_of: string
}

export interface NewEdge {
  id: string
  organisation: string
  name: string
}

export interface RegisteredEdge {
  id: string
  token: string
}

export interface SectorState {
  sector: string
  severity: number | null
  cases: number
  sightings: number
  organisations: number
  prefectures: number[]
}

export interface MinuteCount {
  at: string
  count: number
}

export interface StreamSighting {
  sequence: number
  id: string
  indicator: string
  indicator_name: string | null
  organisation: string
  sectors: string[]
  first_seen: string
  last_seen: string
  count: number
  severity: number
  values: string[]
  date_added: string
}

export interface Board {
  sectors: SectorState[]
  last_hour: MinuteCount[]
  cases: CaseSummary[]
  sightings: StreamSighting[]
  edges: [EdgeHealth, number][]
  indicators: number
  sequence: number
  as_of: string
}

export type StreamEvent =
  | { event: 'object'; object: ObjectSummary }
  | { event: 'sighting'; sighting: StreamSighting }
  | { event: 'case'; case: CaseSummary }
  | { event: 'edge'; edge: EdgeStatus }
  | { event: 'notice'; kind: string; subject: string }
  | { event: 'alert'; alert: { search: string; name: string; hits: number; at: string } }
  | { event: 'removed'; id: string }

export interface Ingested {
  accepted: number
  duplicates: number
  sequence: number | null
  refused: RefusedObject[]
  /** Taken in, and shown by the stricter of two markings until another person confirms the freer one. */
  waiting?: WaitingObject[]
}

export interface WaitingObject {
  index: number
  id: string
  version: string
  widening: string
}

export interface RefusedObject {
  index: number
  id: string | null
  version: string | null
  code: string
  message: string
}
