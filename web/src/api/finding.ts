// What the hub tells of finding: facets, saved searches, the graph, actors, matrices, sameness, scores, the feed.
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'

import { call, query } from './client.ts'
import type { ObjectSummary } from './types.ts'

export interface Words { ja: string; en: string }
export interface FacetCount { value: string; count: number }
export interface Facets { types: FacetCount[]; originators: FacetCount[]; tlp: FacetCount[]; confidence: FacetCount[]; counted: number; count_max: number; as_of: string }
export interface SearchTerms { query: string; types: string[]; tlp: string[]; originators: string[]; confidence?: number; revoked: boolean }
export interface Notice { id: string; way: string; state: string; hits: number; attempts: number; created: string; trouble?: string }
export interface SavedSearch { id: string; name: string; terms: SearchTerms; alerts: boolean; mail?: string; webhook?: string; created: string; notices: Notice[] }
export interface NewSavedSearch { name: string; terms: SearchTerms; alerts: boolean; mail?: string; webhook?: string }
export interface SavedSearchAdded { search: SavedSearch; secret?: string }
export interface GraphNode { id: string; object?: ObjectSummary; kind?: string; name: string; x: number; y: number; expanded: boolean }
export interface GraphEdge { source: string; target: string; kind: string; object?: string; from?: string; until?: string }
export interface Graph { nodes: GraphNode[]; edges: GraphEdge[]; withheld: { node: string; reason: string; degree: number; next?: string }[]; earliest?: string; latest?: string; as_of: string }
export interface GraphPath { outcome: 'found' | 'none' | 'given-up'; path: string[]; graph: Graph }
export interface GraphCommon { common: string[]; graph: Graph }
export interface TimeCount { day: string; count: number }
export interface ActorList { actors: { object: ObjectSummary; aliases: string[] }[]; next?: string; as_of: string }
export interface Actor {
  object: ObjectSummary; aliases: string[]; same_as: ObjectSummary[]; first_seen?: string; last_seen?: string
  techniques: ObjectSummary[]; software: ObjectSummary[]; infrastructure: ObjectSummary[]; campaigns: ObjectSummary[]
  targets: ObjectSummary[]; indicators: ObjectSummary[]; sectors: { kind: string; count: number }[]; sightings: TimeCount[]; more: boolean; as_of: string
}
export interface Comparison { actors: ObjectSummary[]; rows: { kind: string; object: ObjectSummary; used_by: number[] }[]; sightings: TimeCount[][]; as_of: string }
export interface Tempo {
  leaps: { organisation: string; from: string; to: string; at: string; seconds: number }[]; median_seconds?: number; trend: string
  fast: number; of: number; threshold_seconds: number; automated: boolean; sureness: string; why: Words[]; as_of: string
}
export interface MatrixName { kill_chain: string; name: string; techniques: number }
export interface MatrixCell { id: string; number: string; name: string; actors: number; campaigns: number; software: number; sightings: number }
export interface Matrix { matrix: MatrixName; columns: { tactic: string; name: string; cells: MatrixCell[] }[]; covered: number; at_least: boolean; as_of: string }
export interface Decision { id: string; one: ObjectSummary; other: ObjectSummary; same: boolean; reason: string; person?: string; decided: string; undone?: string }
export interface SamenessList { proposals: { one: ObjectSummary; other: ObjectSummary; strength: number; reasons: Words[] }[]; decisions: Decision[]; compared: number; as_of: string }
export interface Score { value: number; steps: { name: string; factor: number; why: Words }[]; as_of: string }
export interface Product { vendor: string; product: string; cpe?: string }
export interface FeedPage { items: { object: ObjectSummary; because: Words[] }[]; looked_at: number; next?: string; as_of: string }

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)

export function useFacets(parameters: Record<string, string | undefined>) {
  return useQuery({
    queryKey: ['facets', parameters],
    queryFn: ({ signal }) => get<Facets>(`/api/v1/objects/facets${query(parameters)}`, signal),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })
}

export function useSavedSearches() {
  return useQuery({ queryKey: ['searches'], queryFn: ({ signal }) => get<SavedSearch[]>('/api/v1/searches', signal), staleTime: 10_000 })
}

export interface Picture { nodes: string[]; expand: string[]; from: string; until: string }

export function useGraph({ nodes, expand, from, until }: Picture) {
  return useQuery({
    queryKey: ['graph', nodes, expand, from, until],
    queryFn: ({ signal }) => get<Graph>(`/api/v1/graph${query({ nodes: nodes.join('\n'), expand: expand.join('\n'), from, until })}`, signal),
    enabled: nodes.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })
}

export const readPath = (one: string, other: string) => call<GraphPath>('GET', `/api/v1/graph/path${query({ one, other })}`)
export const readCommon = (nodes: string[]) => call<GraphCommon>('GET', `/api/v1/graph/common${query({ nodes: nodes.join('\n') })}`)

export function useActors() {
  return useInfiniteQuery({
    queryKey: ['actors'],
    queryFn: ({ pageParam, signal }) => get<ActorList>(`/api/v1/actors${query({ next: pageParam })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    staleTime: 30_000,
  })
}

export function useActor(id: string) {
  return useQuery({ queryKey: ['actor', id], queryFn: ({ signal }) => get<Actor>(`/api/v1/actors/${encodeURIComponent(id)}`, signal), staleTime: 30_000 })
}

export function useTempo(id: string) {
  return useQuery({ queryKey: ['tempo', id], queryFn: ({ signal }) => get<Tempo>(`/api/v1/actors/${encodeURIComponent(id)}/tempo`, signal), staleTime: 30_000 })
}

export function useComparison(ids: string[]) {
  return useQuery({
    queryKey: ['comparison', ids],
    queryFn: ({ signal }) => get<Comparison>(`/api/v1/actors/compare${query({ ids: ids.join(',') })}`, signal),
    enabled: ids.length > 1,
    staleTime: 30_000,
  })
}

export function useMatrices() {
  return useQuery({ queryKey: ['matrices'], queryFn: ({ signal }) => get<{ matrices: MatrixName[] }>('/api/v1/matrix', signal), staleTime: 60_000 })
}

export function useMatrix(chain: string, of: string) {
  return useQuery({
    queryKey: ['matrix', chain, of],
    queryFn: ({ signal }) => get<Matrix>(`/api/v1/matrix/${encodeURIComponent(chain)}${query({ of })}`, signal),
    enabled: chain !== '',
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  })
}

export function useSameness(family: string) {
  return useQuery({ queryKey: ['sameness', family], queryFn: ({ signal }) => get<SamenessList>(`/api/v1/sameness${query({ family })}`, signal), staleTime: 10_000 })
}

export function useSame(id: string) {
  return useQuery({ queryKey: ['same', id], queryFn: ({ signal }) => get<ObjectSummary[]>(`/api/v1/objects/${encodeURIComponent(id)}/same`, signal), staleTime: 30_000 })
}

export function useScore(id: string) {
  return useQuery({ queryKey: ['score', id], queryFn: ({ signal }) => get<Score>(`/api/v1/objects/${encodeURIComponent(id)}/score`, signal), staleTime: 30_000 })
}

export function useFeed() {
  return useInfiniteQuery({
    queryKey: ['feed'],
    queryFn: ({ pageParam, signal }) => get<FeedPage>(`/api/v1/feed${query({ next: pageParam })}`, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    staleTime: 30_000,
  })
}

export function useProducts() {
  return useQuery({ queryKey: ['products'], queryFn: ({ signal }) => get<{ products: Product[] }>('/api/v1/products', signal), staleTime: 60_000 })
}
