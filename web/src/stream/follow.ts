import type { StreamEvent } from '../api/types.ts'

export type Link = 'connecting' | 'live' | 'broken'

export interface Follower {
  onEvent: (event: StreamEvent, sequence: number | null) => void
  onLink: (link: Link) => void
  /** The last sequence already contained, or 0 where nothing was read yet. */
  after: () => number
}

const NAMES = ['object', 'sighting', 'case', 'edge', 'removed', 'notice', 'alert'] as const
const RETRY_MS = [1000, 2000, 5000, 10_000, 20_000]

/**
 * Follows the hub's stream until the answer is called. The browser reconnects by itself and says where it was
 * (`Last-Event-ID`); where it gives up (the hub answered with an error), we begin anew after the last sequence we hold.
 */
export function follow(follower: Follower, open: (address: string) => EventSource = (address) => new EventSource(address)): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let attempts = 0
  let ended = false

  const connect = () => {
    follower.onLink('connecting')
    const current = open(`/api/v1/stream?after=${follower.after()}`)
    source = current
    current.onopen = () => {
      attempts = 0
      follower.onLink('live')
    }
    current.onerror = () => {
      if (ended) return
      follower.onLink('broken')
      if (current.readyState !== EventSource.CLOSED) return
      timer = setTimeout(connect, RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)])
      attempts += 1
    }
    for (const name of NAMES) {
      current.addEventListener(name, (message: MessageEvent<string>) => {
        const event = read(message.data)
        const sequence = Number(message.lastEventId)
        // What is not in the log bears the number of what came before it.
        const numbered = !['edge', 'notice', 'alert'].includes(name) && message.lastEventId !== '' && Number.isSafeInteger(sequence)
        if (event) follower.onEvent(event, numbered ? sequence : null)
      })
    }
  }

  connect()
  return () => {
    ended = true
    clearTimeout(timer)
    source?.close()
  }
}

/** An event that cannot be read is left out: the next reading of the board contains what it told. */
function read(data: string): StreamEvent | null {
  try {
    const event = JSON.parse(data) as StreamEvent
    return typeof event === 'object' && event !== null && (NAMES as readonly string[]).includes(event.event) ? event : null
  } catch {
    return null
  }
}
