// The commission, authorisations, receipts for their use, and the published log of both.
import { useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query'

import { canVerify, type Bytes } from '../proof/bytes.ts'
import { isReceiptOf } from '../proof/receipt.ts'
import { call, query } from './client.ts'
import { ApiError, errorOf } from './error.ts'
import type { components } from './schema.ts'

type Hub = components['schemas']

export type Verdict = 'grant' | 'refuse' | 'suspend' | 'resume' | 'revoke'
export type AuthorisationEntry = Hub['AuthorisationEntry']
export type PendingDecision = Hub['PendingDecision']
export type NewAuthorisation = Hub['NewAuthorisation']
export type Round = Hub['RoundInfo']
export type RoundFound = Hub['RoundFound']
export type NewCommission = Hub['NewCommission']
export type Candidate = Hub['Candidate']
export type Indicators = Hub['AuthorisedIndicators']

export const CATEGORIES = ['party-agreement', 'foreign-foreign', 'foreign-domestic', 'domestic-foreign', 'neutralisation', 'consent'] as const
export const FIELDS = ['addresses', 'own-pseudonyms', 'domains', 'hashes', 'ports', 'protocol', 'bytes'] as const
/** What the state may have something looked for: not for the asker's own defence, which needs no authorisation. */
export const ASKED_FOR = ['collective-defence', 'incident-response'] as const

/** What is asked for, as it is hashed. */
export interface Terms {
  id: string
  kind: 'ordinary' | 'emergency'
  category: string
  article: string
  requested_by: string
  operators: string[]
  list_root: string
  list_size: number
  fields: string[]
  queries_per_day: number
  from: string
  until: string
  retention: string
  purpose: string
  reason: string
  narrows: string | null
  /** Where the operators are not told what is looked for. */
  private?: PrivateTerms
}

export interface PrivateTerms {
  mode: 'match' | 'count'
  elements: number
  filter_values_max: number
  seed_commitment: string
}

export interface RecordedDecision {
  verdict: Verdict
  authorisation: string
  request: number
  terms: string
  kind: string
  frame: string
  number: number
  asked: string
  reason: string
}

export interface RecordedAssertion {
  credential: string
  authenticator_data: string
  client_data: string
  signature: string
}

/** What an entry of the log about an authorisation commits to. */
export interface LogRecord {
  v: number
  terms: Terms
  decided?: { decision: RecordedDecision; assertions: RecordedAssertion[] }
  /** Where whoever asked took the request back. */
  withdrawn?: { reason: string }
}

/** A number of published statistics: `few` is at least one, and fewer than are told. */
export type Count = { number: number } | 'few'

export type Counts = Record<'requested' | 'requested_in_emergency' | 'granted' | 'granted_in_emergency' | 'refused' | 'withdrawn' | 'suspended' | 'resumed' | 'revoked' | 'used' | 'operators', Count>

/** What the public is told in numbers, as it is signed. */
export interface StatisticsDocument {
  v: number
  log: string
  size: number
  root: string
  from: string
  until: string
  suppressed_below: number
  corrects?: string
  categories: Record<string, Counts>
  all: Counts
}

export type PublicKeyDocument = { algorithm: 'es256'; point: string } | { algorithm: 'ed25519'; key: string }

export interface MemberDocument {
  id: string
  name: string
  from: string
  until: string
  passkeys: Record<string, PublicKeyDocument>
}

export interface CommissionDocument {
  version: number
  name: string
  rp_id: string
  origins: string[]
  threshold: number
  members: MemberDocument[]
}

export interface FrameDocument {
  version: number
  source: string
  categories: Record<string, { article: string; hours_max: number }>
  emergency: { persons: number; hours_max: number }
  list_max: number
  queries_per_day_max: number
  checkpoint_hours_max: number
  unwitnessed_hours_max: number
  retention_classes: string[]
}

export interface ResolutionDocument {
  subject: 'commission' | 'frame'
  digest: string
  by: string
  asked: string
  reason: string
}

export interface Use {
  authorisation: string
  grant: number
  operator: string
  edge: string
  asked_by: string
  asked: string
  count: number
  at: string
  number: number
}

export interface UseReceipt {
  used: Use
  signature: string
}

export type Authorisation = Omit<Hub['AuthorisationInfo'], 'terms' | 'state' | 'may'> & { terms: Terms; state: 'requested' | 'granted' | 'suspended' | 'refused' | 'withdrawn' | 'revoked'; may: Verdict[] }
export type ReceiptRow = Omit<Hub['ReceiptRow'], 'receipt'> & { receipt: UseReceipt }
export type StandingCommission = Omit<Hub['StandingCommission'], 'document'> & { document: CommissionDocument }
export type StandingFrame = Omit<Hub['StandingFrame'], 'document'> & { document: FrameDocument }
export type Proposal = Omit<Hub['CharterProposal'], 'document' | 'subject'> & ({ subject: 'commission'; document: CommissionDocument } | { subject: 'frame'; document: FrameDocument })
export type Oversight = Omit<Hub['Oversight'], 'commission' | 'frame' | 'proposals'> & { commission?: StandingCommission | null; frame?: StandingFrame | null; proposals: Proposal[] }
export type Question<Document> = Omit<Hub['DecisionChallenge'], 'document' | 'options'> & { document: Document; options: PublicKeyCredentialRequestOptionsJSON }

export type PublishedStatistics = Omit<Hub['PublishedStatistics'], 'statistics'> & { statistics: StatisticsDocument }
export type StatisticsPage = Omit<Hub['StatisticsList'], 'statements'> & { statements: PublishedStatistics[] }

interface AuthorisationPage { authorisations: Authorisation[]; next?: number | null }
interface ReceiptPage { receipts: ReceiptRow[]; next?: number | null }

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const one = encodeURIComponent
/** Nobody's open page is told of authorisations by the stream, so that it is asked for again. */
const AGAIN_MS = 10_000

/** `again`: how often it is asked for again, in milliseconds. */
export const useOversight = (enabled = true, again: number | false = AGAIN_MS) =>
  useQuery({ enabled, queryKey: ['oversight'], queryFn: ({ signal }) => get<Oversight>('/api/v1/oversight/commission', signal), refetchInterval: again })

export const useAuthorisations = (enabled = true) =>
  useInfiniteQuery({
    enabled,
    queryKey: ['authorisations', 'list'],
    queryFn: ({ pageParam, signal }) => get<AuthorisationPage>(`/api/v1/authorisations${query({ before: pageParam, limit: 100 })}`, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next ?? null,
    refetchInterval: AGAIN_MS,
  })

const authorisationQuery = (id: string) => ({
  queryKey: ['authorisations', 'one', id],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<Authorisation>(`/api/v1/authorisations/${one(id)}`, signal),
})

export const useAuthorisation = (id: string, enabled = true) => useQuery({ ...authorisationQuery(id), enabled, refetchInterval: AGAIN_MS })

/** Several at once; those that cannot be read are left out. */
export function useAuthorisationsById(ids: readonly string[]): Map<string, Authorisation> {
  const found = useQueries({ queries: ids.map((id) => ({ ...authorisationQuery(id), staleTime: 30_000 })) })
  return new Map(found.flatMap(({ data }) => (data ? [[data.id, data] as const] : [])))
}

/** Looking at it is written down, so that it is asked for by hand alone. */
export const readIndicators = (id: string) => call<Indicators>('GET', `/api/v1/authorisations/${one(id)}/list`)

/** A receipt with what this browser found about its signature: `null` where it cannot tell. */
export type CheckedReceipt = ReceiptRow & { isSigned: boolean | null }

export const useReceipts = (authorisation?: string, enabled = true) =>
  useInfiniteQuery({
    enabled,
    queryKey: ['receipts', authorisation ?? null],
    queryFn: async ({ pageParam, signal }) => {
      const page = await get<ReceiptPage>(`/api/v1/receipts${query({ before: pageParam, limit: 200, authorisation })}`, signal)
      const check = async (row: ReceiptRow): Promise<CheckedReceipt> => ({ ...row, isSigned: canVerify() ? await isReceiptOf(row.receipt, row.key) : null })
      return { receipts: await Promise.all(page.receipts.map(check)), next: page.next ?? null }
    },
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next,
    refetchInterval: AGAIN_MS,
  })

export const useRounds = (id: string, enabled = true) =>
  useQuery({ enabled, queryKey: ['authorisations', 'rounds', id], queryFn: ({ signal }) => get<{ rounds: Round[] }>(`/api/v1/authorisations/${one(id)}/rounds`, signal), refetchInterval: AGAIN_MS })
export const askRound = (id: string, operator: string) => call<Round>('POST', `/api/v1/authorisations/${one(id)}/rounds`, { operator })
/** Looking at it is written down, so that it is asked for by hand alone. */
export const readFound = (id: string, round: string) => call<RoundFound>('GET', `/api/v1/authorisations/${one(id)}/rounds/${one(round)}/found`)
export const auditRound = (id: string, round: string) => call<Round>('POST', `/api/v1/oversight/authorisations/${one(id)}/rounds/${one(round)}/audit`, {})

export const useStatistics = () =>
  useInfiniteQuery({
    queryKey: ['statistics'],
    queryFn: ({ pageParam, signal }) => get<StatisticsPage>(`/api/v1/oversight/statistics${query({ before: pageParam, limit: 20 })}`, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next ?? null,
  })
/** Nobody can take it back. */
export const publishStatistics = (note: string) => call<PublishedStatistics>('POST', '/api/v1/oversight/statistics', { note })

export const request = (wanted: NewAuthorisation) => call<Authorisation>('POST', '/api/v1/authorisations', wanted)
export const withdraw = (id: string, reason: string) => call<Authorisation>('POST', `/api/v1/authorisations/${one(id)}/withdraw`, { reason })
export const constitute = (commission: NewCommission) => call<Oversight>('POST', '/api/v1/oversight/commission', commission)

export const askDecision = (id: string, decision: { verdict: Verdict; terms: string; reason: string }) =>
  call<Question<RecordedDecision>>('POST', `/api/v1/authorisations/${one(id)}/decisions/start`, decision)
export const giveDecision = (id: string, challenge_id: string, credential: unknown) =>
  call<Authorisation>('POST', `/api/v1/authorisations/${one(id)}/decisions/finish`, { challenge_id, credential })
export const askResolution = (resolution: { subject: string; digest: string; reason: string }) =>
  call<Question<ResolutionDocument>>('POST', '/api/v1/oversight/resolutions/start', resolution)
export const giveResolution = (challenge_id: string, credential: unknown) =>
  call<Oversight>('POST', '/api/v1/oversight/resolutions/finish', { challenge_id, credential })

/** Has the passkey on this device, or on one that is held to it, answer. The person may turn away: `NotAllowedError`. */
export async function answerOf(options: PublicKeyCredentialRequestOptionsJSON): Promise<unknown> {
  const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
  if (!(credential instanceof PublicKeyCredential)) throw new ApiError('sign-in-refused', 0)
  return credential.toJSON()
}

/** A file of the published log of authorisations. */
export async function logFile(path: string): Promise<Bytes> {
  let response: Response
  try {
    // The newest checkpoint, not the one that the browser has; tiles do not change.
    response = await fetch(`/log/authorisations/${path}`, path === 'checkpoint' ? { cache: 'no-store' } : {})
  } catch {
    throw new ApiError('unreachable', 0)
  }
  if (!response.ok) throw errorOf(response.status, await response.text())
  return new Uint8Array(await response.arrayBuffer())
}
