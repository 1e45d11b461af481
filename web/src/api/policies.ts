// The policies in force, and proposals of a change.
import { useQuery } from '@tanstack/react-query'

import { call } from './client.ts'
import type { components } from './schema.ts'

type Hub = components['schemas']
export type PoliciesInForce = Hub['PoliciesInForce']
export type PolicyFile = Hub['PolicyFile']
export type PolicyProposal = Hub['PolicyProposal']
export type PolicyFindings = Hub['PolicyFindings']
export type PolicyEffect = Hub['PolicyEffect']
export type PolicyExample = Hub['PolicyExample']
export type Decision = 'approve' | 'refuse' | 'withdraw'

const get = <T>(path: string, signal: AbortSignal) => call<T>('GET', path, undefined, signal)
const PROPOSALS = '/api/v1/policy-proposals'

export const usePolicies = () =>
  useQuery({ queryKey: ['policies'], queryFn: ({ signal }) => get<PoliciesInForce>('/api/v1/policies', signal) })

export const usePolicyProposals = () =>
  useQuery({ queryKey: ['policy-proposals'], queryFn: ({ signal }) => get<Hub['PolicyProposalList']>(PROPOSALS, signal) })

export const usePolicyProposal = (id: string) =>
  useQuery({ queryKey: ['policy-proposals', id], queryFn: ({ signal }) => get<PolicyProposal>(`${PROPOSALS}/${encodeURIComponent(id)}`, signal) })

export const propose = (reason: string, files: PolicyFile[]) => call<PolicyProposal>('POST', PROPOSALS, { reason, files })
export const decide = (id: string, decision: Decision, set: string, text: string) =>
  call<PolicyProposal>('POST', `${PROPOSALS}/${encodeURIComponent(id)}/decision`, { decision, set, text })
