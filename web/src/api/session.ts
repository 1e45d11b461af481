import { useMutation, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'

import { call, setCsrf } from './client.ts'
import { ApiError } from './error.ts'
import type { Challenge, Node, Operation, Organisation, PasskeyInfo, ProviderAnswer, Session } from './types.ts'

/** Who is signed in; nobody is `null`. */
export function useSessionQuery() {
  return useQuery({
    queryKey: ['session'],
    queryFn: async ({ signal }) => {
      try {
        return accept(await call<Session>('GET', '/api/v1/session', undefined, signal))
      } catch (thrown) {
        if (thrown instanceof ApiError && thrown.status === 401) return null
        throw thrown
      }
    },
    staleTime: 60_000,
    refetchInterval: 300_000,
  })
}

function accept(session: Session): Session {
  setCsrf(session.csrf)
  return session
}

/** Holds the session of a sign-in that went well. An answer that is still on its way was asked for before it, and says that nobody is
    signed in: it must not come after. */
export async function hold(client: QueryClient, session: Session): Promise<void> {
  await client.cancelQueries({ queryKey: ['session'] })
  client.setQueryData(['session'], session)
}

/** The signed-in session. Only for what stands inside the shell. */
export function useSession(): Session {
  const { data } = useQuery<Session | null>({ queryKey: ['session'], enabled: false })
  if (!data) throw new Error('used outside of the signed-in shell')
  return data
}

export function useMay(operation: Operation): boolean {
  return useSession().may.includes(operation)
}

export function useNode() {
  return useQuery({ queryKey: ['node'], queryFn: ({ signal }) => call<Node>('GET', '/api/v1/node', undefined, signal), staleTime: Infinity })
}

/** A name in the reader's language. */
export function nameOf(named: Pick<Organisation | Node, 'name_ja' | 'name_en'>, language: 'ja' | 'en'): string {
  return language === 'ja' ? named.name_ja : named.name_en
}

export type SignIn = { by: 'link'; link: string } | { by: 'password'; login: string; password: string } | { by: 'passkey' } | { by: 'provider'; answer: ProviderAnswer }

export function useSignIn() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: async (way: SignIn): Promise<Session> => {
      switch (way.by) {
        case 'link': return call<Session>('POST', '/api/v1/session/link', { link: way.link })
        case 'password': return call<Session>('POST', '/api/v1/session/password', { login: way.login, password: way.password })
        case 'passkey': return signInByPasskey()
        case 'provider': return call<Session>('POST', '/api/v1/session/oidc/finish', way.answer)
      }
    },
    onSuccess: (session) => hold(client, accept(session)),
  })
}

/** Ends the session. The page is loaded anew, so that nothing of it stays in memory. */
export function useSignOut() {
  return useMutation({
    mutationFn: () => call<void>('DELETE', '/api/v1/session'),
    onSuccess: () => location.assign('/sign-in'),
  })
}

/** Servers wrap the options as the browser's call expects them (`{publicKey: …}`) or give them bare. */
function bare<Options extends object>(options: Options | { publicKey: Options }): Options {
  return 'publicKey' in options ? options.publicKey : options
}

async function signInByPasskey(): Promise<Session> {
  const { challenge_id, options } = await call<Challenge<PublicKeyCredentialRequestOptionsJSON>>('POST', '/api/v1/session/passkey/start', {})
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(bare(options))
  const credential = await navigator.credentials.get({ publicKey })
  if (!(credential instanceof PublicKeyCredential)) throw new ApiError('sign-in-refused', 0)
  return call<Session>('POST', '/api/v1/session/passkey/finish', { challenge_id, credential: credential.toJSON() })
}

/** Makes a passkey on this device and registers it. */
export async function registerPasskey(name: string): Promise<PasskeyInfo> {
  const { challenge_id, options } = await call<Challenge<PublicKeyCredentialCreationOptionsJSON>>('POST', '/api/v1/me/passkeys/start', {})
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(bare(options))
  const credential = await navigator.credentials.create({ publicKey })
  if (!(credential instanceof PublicKeyCredential)) throw new ApiError('sign-in-refused', 0)
  return call<PasskeyInfo>('POST', '/api/v1/me/passkeys/finish', { challenge_id, name, credential: credential.toJSON() })
}

/** Why a passkey cannot be used here; `null` where it can. Browsers bind passkeys to a name: an address has none. */
export function passkeyObstacle(): 'address' | 'browser' | null {
  if (/^\[|^\d{1,3}(?:\.\d{1,3}){3}$/u.test(location.hostname)) return 'address'
  return typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential ? null : 'browser'
}
