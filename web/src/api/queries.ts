import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'

import { call, query } from './client.ts'
import type {
  AuditList, Board, Case, CaseList, EdgeList, EdgeStatus, ObjectDetail, ObjectPage, ObjectReferences, Organisation, PasskeyInfo, PeerList, Person, TokenInfo,
} from './types.ts'

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)

export const readBoard = (signal?: AbortSignal) => call<Board>('GET', '/api/v1/board', undefined, signal)

export interface ObjectSearch {
  text: string
  types: string[]
  revoked: boolean
  sort: 'added' | 'relevance'
  tlp: string
  originator: string
  confidence: string
}

function objectsPath(search: ObjectSearch, limit: number, next?: string | null): string {
  return `/api/v1/objects${query({
    query: search.text,
    type: search.types.join(','),
    tlp: search.tlp,
    originator: search.originator,
    confidence: search.confidence,
    revoked: search.revoked ? 'true' : undefined,
    sort: search.text === '' ? 'added' : search.sort,
    limit,
    next,
  })}`
}

export function useObjects(search: ObjectSearch) {
  return useInfiniteQuery({
    queryKey: ['objects', search],
    queryFn: ({ pageParam, signal }) => get<ObjectPage>(objectsPath(search, 50, pageParam), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })
}

/** A few objects for the palette. */
export function useObjectHints(text: string, enabled = true) {
  return useQuery({
    queryKey: ['object-hints', text],
    queryFn: ({ signal }) => get<ObjectPage>(objectsPath({ text, types: [], revoked: false, sort: 'relevance', tlp: '', originator: '', confidence: '' }, 6), signal),
    enabled: enabled && text.trim() !== '',
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })
}

/** A few indicators, for choosing one. */
export function useIndicatorHints(text: string) {
  return useQuery({
    queryKey: ['indicator-hints', text],
    queryFn: ({ signal }) => get<ObjectPage>(objectsPath({ text, types: ['indicator'], revoked: false, sort: 'relevance', tlp: '', originator: '', confidence: '' }, 8), signal),
    enabled: text !== '',
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })
}

export function useObject(id: string, version?: string) {
  return useQuery({
    queryKey: ['object', id, version ?? null],
    queryFn: ({ signal }) => get<ObjectDetail>(`/api/v1/objects/${encodeURIComponent(id)}${query({ version })}`, signal),
    staleTime: 30_000,
  })
}

export function useReferences(id: string) {
  return useQuery({
    queryKey: ['references', id],
    queryFn: ({ signal }) => get<ObjectReferences>(`/api/v1/objects/${encodeURIComponent(id)}/references`, signal),
    staleTime: 30_000,
  })
}

export type CaseFilter = 'open' | 'closed' | 'all'

export function useCases(state: CaseFilter, enabled = true) {
  return useQuery({
    enabled,
    queryKey: ['cases', state],
    queryFn: ({ signal }) => get<CaseList>(`/api/v1/cases${query({ state })}`, signal),
    placeholderData: keepPreviousData,
  })
}

export function useCase(id: string) {
  return useQuery({ queryKey: ['case', id], queryFn: ({ signal }) => get<Case>(`/api/v1/cases/${encodeURIComponent(id)}`, signal) })
}

export function useEdges(enabled = true) {
  return useQuery({ queryKey: ['edges'], queryFn: ({ signal }) => get<EdgeList>('/api/v1/edges', signal), enabled, refetchInterval: 30_000 })
}

export function useEdge(id: string) {
  return useQuery({
    queryKey: ['edge', id],
    queryFn: ({ signal }) => get<EdgeStatus>(`/api/v1/edges/${encodeURIComponent(id)}`, signal),
    refetchInterval: 30_000,
  })
}

export function useOrganisations(enabled = true) {
  return useQuery({
    queryKey: ['organisations'],
    queryFn: ({ signal }) => get<Organisation[]>('/api/v1/organisations', signal),
    enabled,
    staleTime: 300_000,
    retry: false,
  })
}

export function usePeople(enabled = true) {
  return useQuery({ queryKey: ['people'], queryFn: ({ signal }) => get<Person[]>('/api/v1/people', signal), enabled, staleTime: 60_000, retry: false })
}

export function useTokens() {
  return useQuery({ queryKey: ['tokens'], queryFn: ({ signal }) => get<TokenInfo[]>('/api/v1/tokens', signal) })
}

export function usePeers() {
  return useQuery({ queryKey: ['peers'], queryFn: ({ signal }) => get<PeerList>('/api/v1/peers', signal), refetchInterval: 5_000 })
}

export function usePasskeys() {
  return useQuery({ queryKey: ['passkeys'], queryFn: ({ signal }) => get<PasskeyInfo[]>('/api/v1/me/passkeys', signal) })
}

export function useAudit(action: string) {
  return useInfiniteQuery({
    queryKey: ['audit', action],
    queryFn: ({ pageParam, signal }) => get<AuditList>(`/api/v1/audit${query({ before: pageParam, limit: 100, action })}`, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next ?? null,
  })
}
