import { ApiError, errorOf } from './error.ts'

/** The session's secret that proves a change was asked for by this page. Held in memory only. */
let csrf = ''

export function setCsrf(value: string): void {
  csrf = value
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A body that is sent as it is written: what a producer signed off must not be written anew. */
export class RawBody {
  readonly text: string
  readonly type: string

  constructor(text: string, type: string) {
    this.text = text
    this.type = type
  }
}

/** A file, as its bytes. */
export class FileBody {
  readonly content: Blob

  constructor(content: Blob) {
    this.content = content
  }
}

function encoded(body: unknown): { type: string; content: BodyInit } {
  if (body instanceof RawBody) return { type: body.type, content: body.text }
  if (body instanceof FileBody) return { type: 'application/octet-stream', content: body.content }
  return { type: 'application/json', content: JSON.stringify(body) }
}

/** One request to the hub. Refusals become `ApiError`. */
export async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  const sent = body === undefined ? null : encoded(body)
  if (sent) headers['Content-Type'] = sent.type
  if (method !== 'GET' && csrf !== '') headers['X-Yagura-CSRF'] = csrf
  let response: Response
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      ...(sent ? { body: sent.content } : {}),
      ...(signal ? { signal } : {}),
    })
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown
    throw new ApiError('unreachable', 0)
  }
  const text = await response.text()
  if (!response.ok) throw errorOf(response.status, text)
  if (text === '') return undefined as T
  try {
    return JSON.parse(text) as T
  } catch {
    throw new ApiError('unreadable', response.status, undefined, response.headers.get('x-request-id') ?? undefined)
  }
}

/** A query string of what is given; what is empty is left out. */
export function query(parameters: Record<string, string | number | boolean | null | undefined>): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== '') given.set(name, String(value))
  }
  const text = given.toString()
  return text === '' ? '' : `?${text}`
}
