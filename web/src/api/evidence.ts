// Evidence of cases: what was secured, who had it when, how it leaves, and who asks for it.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'

import { call, callForFile, query, sendFile } from './client.ts'
import type { components } from './schema.ts'

type Hub = components['schemas']
export type Evidence = Hub['Evidence']
export type EvidenceAskableHub = Hub['EvidenceAskableHub']
export type EvidenceCustody = Hub['EvidenceCustody']
export type EvidenceHold = Hub['EvidenceHold']
export type EvidenceItem = Hub['EvidenceItem']
export type EvidenceLabel = Hub['EvidenceLabel']
export type EvidenceList = Hub['EvidenceList']
export type EvidenceNamed = Hub['EvidenceNamed']
export type EvidenceParty = Hub['EvidenceParty']
export type EvidenceRequest = Hub['EvidenceRequest']
export type NewEvidence = Hub['NewEvidence']
export type NewEvidenceRequest = Hub['NewEvidenceRequest']
export type Words = Hub['Words']

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const one = encodeURIComponent
const ofCase = (id: string, rest = '') => `/api/v1/cases/${one(id)}/evidence${rest}`
const at = (id: string, rest = '') => `/api/v1/evidence/${one(id)}${rest}`

/** Other people bring, take and offer; lists are asked for again so often. */
const LISTS_MS = 15_000
/** How often it is asked how far something is that comes from another hub. */
const COMING_MS = 2_000

export const useEvidenceOf = (id: string, enabled = true) =>
  useInfiniteQuery({
    enabled,
    queryKey: ['evidence', 'of', id],
    queryFn: ({ pageParam, signal }) => get<EvidenceList>(ofCase(id, query({ after: pageParam })), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    refetchInterval: LISTS_MS,
  })

export const useEvidence = (id: string) => useQuery({ queryKey: ['evidence', 'one', id], queryFn: ({ signal }) => get<Evidence>(at(id), signal), refetchInterval: LISTS_MS })

export const useEvidenceRequests = (id: string, enabled = true) =>
  useQuery({
    enabled,
    queryKey: ['evidence', 'requests', id],
    queryFn: ({ signal }) => get<Hub['EvidenceRequestList']>(`/api/v1/cases/${one(id)}/evidence-requests`, signal),
    refetchInterval: ({ state }) => (state.data?.requests.some((asked) => asked.named.some((file) => file.state === 'coming')) ? COMING_MS : LISTS_MS),
  })

export const announce = (id: string, item: NewEvidence) => call<EvidenceItem>('POST', ofCase(id), item)
export const send = (id: string, content: Blob, onProgress: (sent: number) => void) => sendFile<Evidence>('PUT', at(id, '/content'), content, onProgress)
export const download = (id: string, body: Hub['EvidenceDownload']) => callForFile('POST', at(id, '/download'), body)
export const exportCase = (id: string, body: Hub['EvidenceExport']) => callForFile('POST', ofCase(id, '/export'), body)
export const offer = (id: string, body: Hub['NewEvidenceOffer']) => call<Evidence>('POST', at(id, '/offer'), body)
export const answerOffer = (id: string, body: Hub['EvidenceOfferAnswer']) => call<Evidence>('POST', at(id, '/answer'), body)
export const relabel = (id: string, body: Hub['NewEvidenceLabel']) => call<Evidence>('POST', at(id, '/label'), body)
export const hold = (id: string, body: Hub['NewEvidenceHold']) => call<Evidence>('POST', at(id, '/holds'), body)
export const lift = (id: string, held: string, body: Hub['EvidenceHoldLift']) => call<Evidence>('POST', at(id, `/holds/${one(held)}/lift`), body)
export const dispose = (id: string, body: Hub['EvidenceDisposal']) => call<Evidence>('POST', at(id, '/dispose'), body)
export const request = (body: NewEvidenceRequest) => call<EvidenceRequest>('POST', '/api/v1/evidence-requests', body)
export const receiveNamed = (id: string, item: string) => call<EvidenceRequest>('POST', `/api/v1/evidence-requests/${one(id)}/items/${one(item)}/receive`)
export const answerRequest = (id: string, body: Hub['EvidenceRequestAnswer']) => call<EvidenceRequest>('POST', `/api/v1/evidence-requests/${one(id)}/answer`, body)
