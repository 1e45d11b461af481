// Playbooks, their runs, what these ask of people, and what was ordered at edges.
import { keepPreviousData, useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query'

import { call, query } from './client.ts'
import type { components } from './schema.ts'

type Hub = components['schemas']

export type Playbook = Hub['Playbook']
export type PlaybookAdded = Hub['PlaybookAdded']
export type PlaybookAgent = Hub['PlaybookAgent']
export type PlaybookCommand = Hub['PlaybookCommand']
export type PlaybookFinding = Hub['PlaybookFinding']
export type PlaybookGraph = Hub['PlaybookGraph']
export type PlaybookStep = Hub['PlaybookStep']
export type PlaybookSummary = Hub['PlaybookSummary']
export type PlaybookVariable = Hub['PlaybookVariable']
export type StepSafeguards = Hub['StepSafeguards']
/** The generated type knows of an object's values only that nothing is known. */
export type NewRun = Omit<Hub['NewRun'], 'variables'> & { variables: Record<string, unknown> }
export type Run = Hub['Run']
export type RunCommand = Hub['RunCommand']
export type RunDispatch = Hub['RunDispatch']
export type RunEvent = Hub['RunEvent']
export type RunFound = Hub['RunFound']
export type RunQuestion = Hub['RunQuestion']
export type RunState = Hub['RunState']
export type RunStep = Hub['RunStep']
export type RunSummary = Hub['RunSummary']
export type RunTask = Hub['RunTask']
export type RunVariable = Hub['RunVariable']
export type OrderInfo = Hub['OrderInfo']
export type AskedOrder = Hub['AskedOrder']
export type LoneApproval = Hub['LoneApproval']
export type Rollout = Hub['Rollout']
export type Outreach = Hub['Outreach']
export type OrderPerson = Hub['OrderPerson']
export type OrderReport = Hub['OrderReport']
export type CodedText = Hub['CodedText']
export type GateReason = Hub['GateReason']
export type OrderState = Hub['OrderState']

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const one = encodeURIComponent
const runAt = (id: string, rest = '') => `/api/v1/runs/${one(id)}${rest}`

/** A run moves by itself; as long as it does, it is asked for again so often. */
const MOVING_MS = 2_000
/** Lists that other people and edges change. */
const LISTS_MS = 5_000

export const isOver = (state: RunState) => state === 'succeeded' || state === 'failed' || state === 'cancelled'

export const usePlaybooks = (enabled = true) =>
  useQuery({ enabled, queryKey: ['playbooks'], queryFn: ({ signal }) => get<Hub['PlaybookList']>('/api/v1/playbooks', signal) })

export const usePlaybook = (id: string, version?: string) =>
  useQuery({ queryKey: ['playbooks', id, version ?? null], queryFn: ({ signal }) => get<Playbook>(`/api/v1/playbooks/${one(id)}${query({ version })}`, signal) })

/** Runs, the newest first: all of them, or those that answer a case. */
export const useRuns = (enabled = true, ofCase?: string) =>
  useInfiniteQuery({
    enabled,
    queryKey: ['runs', 'list', ofCase ?? null],
    queryFn: ({ pageParam, signal }) => get<Hub['RunList']>(`/api/v1/runs${query({ after: pageParam, case: ofCase })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    placeholderData: keepPreviousData,
    refetchInterval: LISTS_MS,
  })

/** The runs that wait for people, in one request: what is asked of whom stands in each of them. */
export const useOpenRuns = (enabled = true) =>
  useQuery({ enabled, queryKey: ['runs', 'open'], queryFn: ({ signal }) => get<Hub['RunList']>(`/api/v1/runs${query({ limit: 200 })}`, signal), refetchInterval: LISTS_MS })

const runQuery = (id: string) => ({
  queryKey: ['runs', 'one', id],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<Run>(runAt(id), signal),
})

export const useRun = (id: string) =>
  useQuery({ ...runQuery(id), refetchInterval: (held) => (held.state.data && isOver(held.state.data.summary.state) ? false : MOVING_MS) })

/** Several runs, whole. */
export const useRunsWhole = (ids: string[]) =>
  useQueries({ queries: ids.map((id) => ({ ...runQuery(id), refetchInterval: LISTS_MS })) })

export const useOrders = () =>
  useInfiniteQuery({
    queryKey: ['orders'],
    queryFn: ({ pageParam, signal }) => get<Hub['OrderList']>(`/api/v1/orders${query({ after: pageParam })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    placeholderData: keepPreviousData,
    refetchInterval: LISTS_MS,
  })

/** What other hubs ask to be ordered of edges here. */
export const useAsked = (enabled = true) =>
  useInfiniteQuery({
    enabled,
    queryKey: ['asked'],
    queryFn: ({ pageParam, signal }) => get<Hub['AskedOrderList']>(`/api/v1/orders/asked${query({ after: pageParam })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    placeholderData: keepPreviousData,
    refetchInterval: LISTS_MS,
  })

/** What one person approved alone. */
export const useLone = (enabled = true) =>
  useQuery({ enabled, queryKey: ['lone'], queryFn: ({ signal }) => get<Hub['LoneApprovalList']>('/api/v1/lone-approvals', signal), refetchInterval: LISTS_MS })

/** What one's organisation asks of people outside. */
export const useOutreach = (of: string | null) =>
  useInfiniteQuery({
    queryKey: ['outreach', of],
    queryFn: ({ pageParam, signal }) => get<Hub['OutreachList']>(`/api/v1/outreach${query({ after: pageParam, case: of })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    placeholderData: keepPreviousData,
    refetchInterval: LISTS_MS,
  })

export const addOutreach = (one: Hub['NewOutreach']) => call<Outreach>('POST', '/api/v1/outreach', one)
export const noteOutreach = (id: string, change: Hub['OutreachChange']) => call<Outreach>('POST', `/api/v1/outreach/${encodeURIComponent(id)}/steps`, change)

export const addPlaybook = (document: string) => call<PlaybookAdded>('POST', '/api/v1/playbooks', { document })
export const startRun = (run: NewRun) => call<Run>('POST', '/api/v1/runs', run)
export const answerQuestion = (run: string, number: number, answer: 'approve' | 'approve-alone' | 'refuse', hash: string, reason: string | null) =>
  call<Run>('POST', runAt(run, `/questions/${number}/${answer}`), { hash, reason })
export const cancelRun = (run: string, reason: string, undo: boolean) => call<Run>('POST', runAt(run, '/cancel'), { reason, undo })
export const pauseRun = (run: string, what: 'pause' | 'continue', reason: string) => call<Run>('POST', runAt(run, `/${what}`), { reason })
export const answerAsked = (id: string, answer: 'approve' | 'refuse', hash: string, reason: string | null) =>
  call<AskedOrder>('POST', `/api/v1/orders/asked/${one(id)}/${answer}`, { hash, reason })
export const reviewLone = (id: string, justified: boolean, finding: string) => call<LoneApproval>('POST', `/api/v1/lone-approvals/${one(id)}/review`, { justified, finding })
export const taskDone = (run: string, key: string, values: Record<string, unknown>) => call<Run>('POST', runAt(run, `/tasks/${one(key)}/done`), { values })
export const taskFailed = (run: string, key: string, reason: string) => call<Run>('POST', runAt(run, `/tasks/${one(key)}/failed`), { reason })
export const reconcile = (run: string, key: string, what: RunFound) => call<Run>('POST', runAt(run, `/commands/${one(key)}/reconcile`), what)
export const undoOrder = (command: string, reason: string) => call<OrderInfo>('POST', `/api/v1/orders/${one(command)}/undo`, { reason })
