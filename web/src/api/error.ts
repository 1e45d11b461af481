import type { components } from './schema.ts'
import type { Problem } from './types.ts'

/** A code of the hub's (`openapi/hub.json`), or one of those that arise here. */
type Known = components['schemas']['Code'] | 'unreachable' | 'unreadable' | 'unfetched' | 'broken'

/** Every code there is; `types.check.ts` fails to compile where the hub has one that is not here. */
export const CODES = [
  'bad-request', 'sign-in-needed', 'sign-in-refused', 'fresh-proof-needed', 'not-allowed', 'not-found', 'method-not-allowed', 'not-acceptable',
  'conflict', 'too-large', 'unsupported-media-type', 'unprocessable', 'too-many', 'internal', 'unavailable',
  'unreachable', 'unreadable', 'unfetched', 'broken',
] as const satisfies readonly Known[]

export type Code = (typeof CODES)[number]

/** Exactly which rule was broken, and what stands in the places of its text. */
export interface Broken {
  reason: string
  params: Record<string, string>
}

/** A request that did not succeed, with what a person needs: a code and a reason to translate, and an id to quote. */
export class ApiError extends Error {
  readonly code: Code
  readonly status: number
  readonly detail: string | undefined
  readonly request: string | undefined
  readonly broken: Broken | undefined

  constructor(code: Code, status: number, detail?: string, request?: string, broken?: Broken) {
    super(detail ?? code)
    this.name = 'ApiError'
    this.code = code
    this.status = status
    this.detail = detail
    this.request = request
    this.broken = broken
  }
}

function isCode(text: unknown): text is Code {
  return typeof text === 'string' && (CODES as readonly string[]).includes(text)
}

/** Where a body is no problem document (a proxy's page, say), the status decides. */
function codeOfStatus(status: number): Code {
  switch (status) {
    case 400: return 'bad-request'
    case 401: return 'sign-in-needed'
    case 403: return 'not-allowed'
    case 404: return 'not-found'
    case 405: return 'method-not-allowed'
    case 406: return 'not-acceptable'
    case 409: return 'conflict'
    case 413: return 'too-large'
    case 415: return 'unsupported-media-type'
    case 422: return 'unprocessable'
    case 429: return 'too-many'
    case 502: case 503: case 504: return 'unavailable'
    default: return status >= 500 ? 'internal' : 'bad-request'
  }
}

/** Reads a refused answer. */
export function errorOf(status: number, body: string): ApiError {
  let problem: Partial<Problem> | null = null
  try {
    const read: unknown = JSON.parse(body)
    if (typeof read === 'object' && read !== null) problem = read as Partial<Problem>
  } catch {
    // Not JSON: the status alone speaks.
  }
  const code = isCode(problem?.code) ? problem.code : codeOfStatus(status)
  return new ApiError(code, status, text(problem?.detail) ?? text(problem?.title), text(problem?.request), broken(problem))
}

function broken(problem: Partial<Problem> | null): Broken | undefined {
  const reason = text(problem?.reason)
  if (reason === undefined) return undefined
  const params: Record<string, string> = {}
  for (const [place, value] of Object.entries(problem?.params ?? {})) if (typeof value === 'string') params[place] = value
  return { reason, params }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Whatever was thrown, as an error that the console can explain. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  return new ApiError('unreadable', 0, thrown instanceof Error ? thrown.message : undefined)
}
