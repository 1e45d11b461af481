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

/** A file that the hub gives. It is never shown, only saved. */
export async function callForFile(method: Method, path: string, body: unknown): Promise<{ name: string; content: Blob }> {
  const sent = encoded(body)
  const headers: Record<string, string> = { Accept: 'application/octet-stream', 'Content-Type': sent.type }
  if (csrf !== '') headers['X-Yagura-CSRF'] = csrf
  let response: Response
  try {
    response = await fetch(path, { method, headers, credentials: 'same-origin', body: sent.content })
    if (response.ok) return { name: fileName(response.headers.get('content-disposition')), content: await response.blob() }
  } catch {
    // What broke off on its way is nothing: half a file would be mistaken for a whole one.
    throw new ApiError('unreachable', 0)
  }
  throw errorOf(response.status, await response.text())
}

/** The name that an answer gives its file (RFC 8187). */
export function fileName(disposition: string | null): string {
  const encodedName = /filename\*=UTF-8''([^;]+)/u.exec(disposition ?? '')?.[1]
  try {
    return encodedName === undefined ? 'file' : decodeURIComponent(encodedName)
  } catch {
    return 'file'
  }
}

/** Sends a file of any size, and tells how much of it has left. `fetch` does not say. */
export function sendFile<T>(method: Method, path: string, content: Blob, onProgress: (sent: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(method, path)
    request.setRequestHeader('Accept', 'application/json')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    if (csrf !== '') request.setRequestHeader('X-Yagura-CSRF', csrf)
    request.upload.addEventListener('progress', (event) => onProgress(event.loaded))
    request.addEventListener('error', () => reject(new ApiError('unreachable', 0)))
    request.addEventListener('abort', () => reject(new ApiError('unreachable', 0)))
    request.addEventListener('load', () => {
      if (request.status < 200 || request.status >= 300) {
        reject(errorOf(request.status, request.responseText))
        return
      }
      try {
        resolve(JSON.parse(request.responseText) as T)
      } catch {
        reject(new ApiError('unreadable', request.status))
      }
    })
    request.send(content)
  })
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
