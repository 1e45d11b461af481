// What organisations agree to give each other, sharing groups, and who could see what.
import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { call, query, RawBody } from './client.ts'
import type { components } from './schema.ts'
import type { Ingested } from './types.ts'

type Hub = components['schemas']
export type Agreement = Hub['AgreementInfo']
export type AgreementText = Hub['AgreementText']
export type AgreementOrders = Hub['AgreementOrders']
export type AgreementTerm = Hub['AgreementTerm']
export type AgreementEntry = Hub['AgreementEntry']
export type SharingGroup = Hub['SharingGroupInfo']
export type Audience = Hub['Audience']
export type AudienceReader = Hub['AudienceReader']
export type RefusedObject = Hub['RefusedObject']
export type Reasons = Hub['Reasons']
export type Explanation = Hub['Explanation']

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const one = encodeURIComponent

export const CLASSES = ['indicator', 'observable', 'sighting', 'threat', 'vulnerability', 'incident', 'report', 'marking', 'other'] as const
export const PAP_LEVELS = ['clear', 'green', 'amber', 'red'] as const
export const ORDER_ACTIONS = ['deny', 'contain'] as const
export const ONWARD = ['none', 'named', 'same-terms'] as const

export const useAgreements = (enabled = true) =>
  useQuery({ enabled, queryKey: ['agreements'], queryFn: ({ signal }) => get<Hub['AgreementList']>('/api/v1/agreements', signal) })

export const useAgreement = (id: string) =>
  useQuery({ queryKey: ['agreements', id], queryFn: ({ signal }) => get<Agreement>(`/api/v1/agreements/${one(id)}`, signal) })

export const useGroups = (enabled = true) =>
  useQuery({ queryKey: ['sharing-groups'], queryFn: ({ signal }) => get<Hub['SharingGroupList']>('/api/v1/sharing-groups', signal), enabled, staleTime: 30_000 })

export const draft = (text: AgreementText) => call<Agreement>('POST', '/api/v1/agreements', text)
export const takeStep = (id: string, step: Hub['AgreementStep']) => call<Agreement>('POST', `/api/v1/agreements/${one(id)}/side`, step)
export const makeGroup = (group: Hub['NewSharingGroup']) => call<SharingGroup>('POST', '/api/v1/sharing-groups', group)
export const takeIn = (group: string, organisation: string) => call<SharingGroup>('PUT', `/api/v1/sharing-groups/${one(group)}/members/${one(organisation)}`)
export const letGo = (group: string, organisation: string) => call<void>('DELETE', `/api/v1/sharing-groups/${one(group)}/members/${one(organisation)}`)

/** The marking that is chosen for what is published. */
export interface Chosen {
  tlp: string
  pap: string
  groups: string[]
  /** Clearances and oaths that its readers have to hold. */
  demands: string[]
  over: 'unmarked' | 'all'
  /** Whether an ACS marking says the same besides. */
  acs: boolean
}

const STIX = 'application/stix+json;version=2.1'
const marks = ({ tlp, pap, groups, demands, over, acs }: Chosen) => ({ tlp, pap, group: groups.join(','), demand: demands.join(','), over: over === 'all' ? over : undefined, acs: acs || undefined })

/** Who could see what stands in a text, if it were published so. `key` names the text: it may be megabytes long. */
export const usePreview = (text: string, key: string, chosen: Chosen, enabled: boolean) =>
  useQuery({
    queryKey: ['audience-preview', key, chosen],
    queryFn: ({ signal }) => call<Hub['AudiencePreview']>('POST', `/api/v1/audience${query({ grouped: true, ...marks(chosen) })}`, new RawBody(text, STIX), signal),
    enabled,
    placeholderData: keepPreviousData,
    gcTime: 0,
    retry: false,
  })

export const publish = (text: string, chosen: Chosen) => call<Ingested>('POST', `/api/v1/objects${query(marks(chosen))}`, new RawBody(text, STIX))

export const useAudience = (id: string, enabled: boolean) =>
  useQuery({ queryKey: ['audience', id], queryFn: ({ signal }) => get<Audience>(`/api/v1/objects/${one(id)}/audience`, signal), enabled, retry: false, staleTime: 5_000 })

export const useWhy = (id: string, organisation: string, enabled: boolean) =>
  useQuery({ queryKey: ['audience', id, 'why', organisation], queryFn: ({ signal }) => get<Explanation>(`/api/v1/objects/${one(id)}/why${query({ organisation })}`, signal), enabled, retry: false })
