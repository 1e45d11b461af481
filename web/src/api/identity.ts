import { useQuery } from '@tanstack/react-query'

import { call } from './client.ts'
import type { DefinedQualifications, EmergencyList, EndingList, IdentityInfo, IdentityProviderList, ProviderAnswer, QualificationList, RecoveryList, SessionInfo } from './types.ts'

export function useIdentityProviders() {
  return useQuery({ queryKey: ['identity-providers'], queryFn: ({ signal }) => call<IdentityProviderList>('GET', '/api/v1/identity-providers', undefined, signal) })
}

/** What ends soon by itself. */
export function useEndings() {
  return useQuery({ queryKey: ['endings'], queryFn: ({ signal }) => call<EndingList>('GET', '/api/v1/endings', undefined, signal), staleTime: 300_000 })
}

export function useRecoveries() {
  return useQuery({ queryKey: ['recoveries'], queryFn: ({ signal }) => call<RecoveryList>('GET', '/api/v1/recoveries', undefined, signal) })
}

/** Clearances and oaths of people that wait, hold, or will. */
export function useQualifications() {
  return useQuery({ queryKey: ['qualifications'], queryFn: ({ signal }) => call<QualificationList>('GET', '/api/v1/qualifications', undefined, signal) })
}

/** Those that were ever entered for one person. */
export function useQualificationsOf(person: string) {
  return useQuery({ queryKey: ['qualifications', person], queryFn: ({ signal }) => call<QualificationList>('GET', `/api/v1/people/${encodeURIComponent(person)}/qualifications`, undefined, signal) })
}

/** What people opened for themselves in an emergency; looked at often, since it is red on every page while it is on. */
export function useEmergencies(enabled = true) {
  return useQuery({ queryKey: ['emergencies'], queryFn: ({ signal }) => call<EmergencyList>('GET', '/api/v1/emergencies', undefined, signal), enabled, refetchInterval: 30_000 })
}

/** Which clearances and oaths there are. */
export function useDefinedQualifications() {
  return useQuery({ queryKey: ['defined-qualifications'], queryFn: ({ signal }) => call<DefinedQualifications>('GET', '/api/v1/qualifications/defined', undefined, signal), staleTime: 300_000 })
}

/** What ties one's own account to identity providers. */
export function useIdentities() {
  return useQuery({ queryKey: ['identities'], queryFn: ({ signal }) => call<IdentityInfo[]>('GET', '/api/v1/me/identities', undefined, signal) })
}

/** One's own sessions, or a person's. */
export function useSessions(person?: string) {
  const path = sessionsPath(person)
  return useQuery({ queryKey: ['sessions', person ?? 'me'], queryFn: ({ signal }) => call<SessionInfo[]>('GET', path, undefined, signal) })
}

export function sessionsPath(person?: string): string {
  return person === undefined ? '/api/v1/me/sessions' : `/api/v1/people/${encodeURIComponent(person)}/sessions`
}

/** What this page wanted before the browser went to the provider: to sign in and go somewhere, or to tie an account. */
export interface Errand {
  to: string
  tie: boolean
}

const ERRAND = 'yagura.errand'
const PROVIDER = 'yagura.provider'

/** Goes to a provider's page. The browser comes back to `/sign-in/oidc/<provider>`. */
export async function goToProvider(provider: string, errand: Errand): Promise<void> {
  const { address } = await call<{ address: string }>('POST', errand.tie ? '/api/v1/me/identities/start' : '/api/v1/session/oidc/start', { provider })
  try {
    sessionStorage.setItem(ERRAND, JSON.stringify(errand))
    if (!errand.tie) localStorage.setItem(PROVIDER, provider)
  } catch {
    // A browser that keeps nothing comes back to the front page.
  }
  location.assign(address)
}

/** The provider that this browser went to last; most people have one. */
export function lastProvider(): string {
  try {
    return localStorage.getItem(PROVIDER) ?? ''
  } catch {
    return ''
  }
}

export function readErrand(): Errand {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(ERRAND) ?? 'null')
    if (typeof kept === 'object' && kept !== null && 'to' in kept && 'tie' in kept && typeof kept.to === 'string') return { to: kept.to, tie: kept.tie === true }
  } catch {
    // What cannot be read counts as nothing kept.
  }
  return { to: '/', tie: false }
}

/** What a provider sent the browser back with; `null` where it said no, or this is no answer. */
export function providerAnswer(provider: string, search: string): ProviderAnswer | null {
  const given = new URLSearchParams(search)
  const [state, code, iss] = [given.get('state'), given.get('code'), given.get('iss')]
  if (given.has('error') || state === null || code === null) return null
  return { provider, state, code, ...(iss === null ? {} : { iss }) }
}
