// Sharing: inbox, requests for release, recalls, questions, contributions, the release ledger, reports with names withheld.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'

import { call, query } from './client.ts'
import type { components } from './schema.ts'

type Hub = components['schemas']
export type Notice = Hub['Notice']
export type Recall = Hub['Recall']
export type NewRecall = Hub['NewRecall']
export type ReleaseRequest = Hub['ReleaseRequest']
export type NewReleaseRequest = Hub['NewReleaseRequest']
export type ReleaseAnswer = Hub['ReleaseAnswer']
export type MarkingChanged = Hub['MarkingChanged']
export type Widening = Hub['Widening']
export type Question = Hub['Question']
export type NewQuestion = Hub['NewQuestion']
export type Contribution = Hub['Contribution']
export type ReleaseRow = Hub['ReleaseRow']
export type AnonymousReported = Hub['AnonymousReported']
export type AnonymousReport = Hub['AnonymousReport']
export type SealKey = Hub['SealKey']
export type SealOpened = Hub['SealOpened']

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const one = encodeURIComponent

export const LEVELS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const
export const PURPOSES = ['own-defence', 'collective-defence', 'incident-response'] as const

export const useNotices = () =>
  useQuery({ queryKey: ['notices'], queryFn: ({ signal }) => get<Hub['NoticeList']>('/api/v1/notices', signal), refetchInterval: 60_000 })

export const useRequests = (enabled = true) =>
  useQuery({ enabled, queryKey: ['release-requests'], queryFn: ({ signal }) => get<Hub['ReleaseRequestList']>('/api/v1/release-requests', signal) })

export const useWidenings = () =>
  useQuery({ queryKey: ['widenings'], queryFn: ({ signal }) => get<Hub['WideningList']>('/api/v1/widenings', signal) })

export const useRecalls = (object?: string) =>
  useQuery({ queryKey: ['recalls', object ?? null], queryFn: ({ signal }) => get<Hub['RecallList']>(`/api/v1/recalls${query({ object })}`, signal) })

/** Those that wait for the reader's organisation alone. */
export const usePendingRecalls = (enabled: boolean) =>
  useQuery({ enabled, queryKey: ['recalls', 'pending'], queryFn: ({ signal }) => get<Hub['RecallList']>('/api/v1/recalls?pending=true', signal) })

export const useQuestions = (closed: boolean) =>
  useQuery({ queryKey: ['questions', closed], queryFn: ({ signal }) => get<Hub['QuestionList']>(`/api/v1/questions${query({ closed: closed ? 'true' : undefined })}`, signal) })

export const useContributions = () =>
  useInfiniteQuery({
    queryKey: ['contributions'],
    queryFn: ({ pageParam, signal }) => get<Hub['ContributionList']>(`/api/v1/contributions${query({ next: pageParam })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
  })

export const useReleases = (organisation: string) =>
  useInfiniteQuery({
    queryKey: ['releases', organisation],
    queryFn: ({ pageParam, signal }) => get<Hub['ReleaseList']>(`/api/v1/releases${query({ organisation, after: pageParam })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    enabled: organisation !== '',
  })

export const useObjectReleases = (id: string, enabled: boolean) =>
  useQuery({ queryKey: ['object-releases', id], queryFn: ({ signal }) => get<Hub['ReleaseList']>(`/api/v1/objects/${one(id)}/releases`, signal), enabled })

export const useAnonymous = () =>
  useQuery({ queryKey: ['anonymous'], queryFn: ({ signal }) => get<Hub['AnonymousReportList']>('/api/v1/anonymous', signal) })

export const seen = (through: string) => call<void>('POST', '/api/v1/notices/seen', { through })
export const issueRecall = (recall: NewRecall) => call<Recall>('POST', '/api/v1/recalls', recall)
export const acknowledge = (id: string) => call<Recall>('POST', `/api/v1/recalls/${one(id)}/acknowledge`, {})
export const askRelease = (request: NewReleaseRequest) => call<ReleaseRequest>('POST', '/api/v1/release-requests', request)
export const answerRequest = (id: string, answer: ReleaseAnswer) => call<ReleaseRequest>('POST', `/api/v1/release-requests/${one(id)}/answer`, answer)
export const changeMarking = (id: string, tlp: string, reason: string, acs: boolean) => call<MarkingChanged>('POST', `/api/v1/objects/${one(id)}/marking`, { tlp, reason, acs })
export const decideWidening = (id: string, decision: string, text: string) => call<Widening>('POST', `/api/v1/widenings/${one(id)}/decision`, { decision, text })
export const judge = (id: string, judgement: string, explanation: string) => call<void>('POST', `/api/v1/objects/${one(id)}/judgements`, { judgement, explanation })
export const ask = (question: NewQuestion) => call<Question>('POST', '/api/v1/questions', question)
export const answerQuestion = (id: string, text: string, tlp: string) => call<Question>('POST', `/api/v1/questions/${one(id)}/answers`, { text, tlp })
export const closeQuestion = (id: string) => call<Question>('POST', `/api/v1/questions/${one(id)}/close`, {})
export const report = (objects: unknown[], dry_run: boolean) => call<AnonymousReported>('POST', '/api/v1/anonymous', { objects, dry_run })
export const follow = (receipt: string) => call<AnonymousReport>('POST', '/api/v1/anonymous/follow', { receipt })
export const newSealKey = () => call<SealKey>('POST', '/api/v1/anonymous/key', {})
export const openSeal = (id: string, privateKey: string, reason: string) => call<SealOpened>('POST', `/api/v1/anonymous/${one(id)}/open`, { private: privateKey, reason })
