// Emergency reports that are not at the hub yet. They are kept in this browser, each under its author's account, until the hub has said that
// it has them: a connection that is away costs nobody what they wrote. The name of a draft is made with its first word, so that one
// that is sent twice is one report.
import { ApiError } from '../../api/error.ts'
import type { NewReport, ReportTaken, ReportValue } from '../../api/reports.ts'

export interface Draft {
  id: string
  kind: string
  /** When the organisation became aware, RFC 3339. */
  aware: string
  fields: Record<string, ReportValue>
  /** Whether its author has said that it is to be sent. */
  ready: boolean
  /** Why the hub does not take it: then its author has to look. */
  refused?: string
}

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

const PREFIX = 'yagura.report-drafts.'
/** Drafts of one account that are kept; nobody writes so many at once. */
export const DRAFTS_MAX = 20

const isDraft = (value: unknown): value is Draft =>
  typeof value === 'object' && value !== null && ['id', 'kind', 'aware'].every((name) => typeof (value as Record<string, unknown>)[name] === 'string') && typeof (value as Draft).fields === 'object'

export function drafts(account: string, store: Store): Draft[] {
  try {
    const held: unknown = JSON.parse(store.getItem(PREFIX + account) ?? '[]')
    return Array.isArray(held) ? held.filter(isDraft) : []
  } catch {
    return []
  }
}

function write(account: string, store: Store, all: Draft[]): void {
  if (all.length === 0) store.removeItem(PREFIX + account)
  else store.setItem(PREFIX + account, JSON.stringify(all))
}

/** Keeps a draft in place of what was kept of it before; whether there was room for it. */
export function keep(account: string, store: Store, draft: Draft): boolean {
  const others = drafts(account, store).filter(({ id }) => id !== draft.id)
  if (others.length >= DRAFTS_MAX) return false
  try {
    write(account, store, [...others, draft])
    return true
  } catch {
    return false
  }
}

export function drop(account: string, store: Store, id: string): void {
  write(account, store, drafts(account, store).filter((draft) => draft.id !== id))
}

export const wire = ({ id, kind, aware, fields }: Draft): NewReport => ({ id, kind, aware, fields })

/** Whether the same may be taken later: the hub was not reached, or was busy. */
export const isPassing = (error: unknown) => error instanceof ApiError && ['unreachable', 'unavailable', 'too-many', 'unreadable', 'internal', 'sign-in-needed', 'sign-in-refused'].includes(error.code)

/** Sends what is ready. What is taken goes; what is refused stays with the reason; at the first sign that nobody answers the rest waits. */
export async function sendReady(account: string, store: Store, send: (report: NewReport) => Promise<ReportTaken>): Promise<string[]> {
  const sent: string[] = []
  for (const draft of drafts(account, store)) {
    if (!draft.ready || draft.refused !== undefined) continue
    try {
      sent.push((await send(wire(draft))).id)
      drop(account, store, draft.id)
    } catch (error) {
      if (isPassing(error) || !(error instanceof ApiError)) break
      keep(account, store, { ...draft, refused: error.code })
    }
  }
  return sent
}
