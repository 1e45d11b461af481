import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { createContext, useContext, useEffect, useMemo, useReducer, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { useToasts } from '../components/toast.tsx'
import { asApiError, type ApiError } from '../api/error.ts'
import { readBoard, useEdges } from '../api/queries.ts'
import { useMay } from '../api/session.ts'
import type { Case, CaseList, EdgeList, EdgeStatus, StreamEvent } from '../api/types.ts'
import { follow, type Link } from './follow.ts'
import { EMPTY, reduce, type LiveBoard } from './reducer.ts'

interface Live {
  state: LiveBoard
  link: Link
  error: ApiError | null
}

const Context = createContext<Live>({ state: EMPTY, link: 'connecting', error: null })

/** The live board and the state of the link to the hub. */
export function useLive(): Live {
  return useContext(Context)
}

const REREAD_MS = 60_000

/** Reads the board, then follows the stream; every page's lists are kept up to date from it. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [state, dispatch] = useReducer(reduce, EMPTY)
  const [link, setLink] = useState<Link>('connecting')
  const [error, setError] = useState<ApiError | null>(null)
  const client = useQueryClient()
  const after = useRef(0)
  const mayRead = useMay('read')
  const edges = useEdges(useMay('see-edges')).data
  const { t } = useTranslation()
  const { say } = useToasts()
  const tell = useRef<((alert: { name: string; hits: number }) => void) | null>(null)
  useEffect(() => {
    tell.current = ({ name, hits }) => say(t('searches.alert', { name, count: hits }))
  }, [say, t])
  useEffect(() => {
    after.current = state.sequence
  }, [state.sequence])
  useEffect(() => {
    if (edges) dispatch({ kind: 'edges', edges: edges.edges })
  }, [edges])

  useEffect(() => {
    // Whoever may not read is not shown a board, and each refusal would be written down as one.
    if (!mayRead) return
    const aborted = new AbortController()
    let stop: (() => void) | undefined
    const reread = async () => {
      try {
        const board = await readBoard(aborted.signal)
        dispatch({ kind: 'board', board, at: Date.now() })
        after.current = Math.max(after.current, board.sequence)
        setError(null)
      } catch (thrown) {
        if (!aborted.signal.aborted) {
          const problem = asApiError(thrown)
          setError(problem)
          if (problem.status === 401) void client.invalidateQueries({ queryKey: ['session'] })
        }
      }
    }
    const start = async () => {
      await reread()
      if (aborted.signal.aborted) return
      stop = follow({
        onEvent: (event, sequence) => {
          dispatch({ kind: 'event', event, sequence, at: Date.now() })
          refresh(client, event)
          if (event.event === 'alert') tell.current?.(event.alert)
        },
        // A new attempt after a break is still a break to the reader.
        onLink: (next) => setLink((held) => (next === 'connecting' && held === 'broken' ? held : next)),
        after: () => after.current,
      })
    }
    void start()
    const timer = setInterval(() => void reread(), REREAD_MS)
    const ticking = setInterval(() => dispatch({ kind: 'tick', at: Date.now() }), 5000)
    return () => {
      aborted.abort()
      stop?.()
      clearInterval(timer)
      clearInterval(ticking)
    }
  }, [client, mayRead])

  const live = useMemo(() => ({ state, link, error }), [state, link, error])
  return <Context value={live}>{children}</Context>
}

const ROOMS_MS = 300
let roomsDue: ReturnType<typeof setTimeout> | undefined

/**
 * Entries of case rooms are notes. Many at once are one look: a room that is written in twenty times a second is still read three times. A look
 * that takes longer is waited for and followed by another one: begun anew at each entry it would never end.
 */
function rooms(client: QueryClient): void {
  roomsDue ??= setTimeout(() => {
    roomsDue = undefined
    if (client.isFetching({ queryKey: ['room'] }) > 0) rooms(client)
    else void client.invalidateQueries({ queryKey: ['room'] })
  }, ROOMS_MS)
}

/** Carries an event into what other pages hold. */
function refresh(client: QueryClient, event: StreamEvent): void {
  switch (event.event) {
    case 'case': {
      const changed = event.case
      const held = client.getQueryData<Case>(['case', changed.id])
      if (held && held.summary.revision < changed.revision) void client.invalidateQueries({ queryKey: ['case', changed.id] })
      for (const [key] of client.getQueriesData<CaseList>({ queryKey: ['cases'] })) void client.invalidateQueries({ queryKey: key })
      break
    }
    case 'edge':
      client.setQueryData<EdgeList>(['edges'], (list) => list && { ...list, edges: withEdge(list.edges, event.edge) })
      client.setQueryData<EdgeStatus>(['edge', event.edge.id], (held) => held && withLedger(held, event.edge))
      break
    case 'sighting':
      void client.invalidateQueries({ queryKey: ['edge'] })
      void client.invalidateQueries({ queryKey: ['references', event.sighting.indicator] })
      break
    case 'notice':
      for (const key of ['notices', 'recalls', 'release-requests', 'questions', 'agreements']) void client.invalidateQueries({ queryKey: [key] })
      break
    case 'alert':
      void client.invalidateQueries({ queryKey: ['searches'] })
      break
    case 'removed':
      void client.invalidateQueries({ queryKey: ['object', event.id] })
      if (event.id.startsWith('note--')) rooms(client)
      break
    case 'object':
      void client.invalidateQueries({ queryKey: ['object', event.object.id] })
      if (event.object.object_type === 'note' || event.object.object_type === 'incident') rooms(client)
      break
  }
}

function withEdge(edges: EdgeStatus[], edge: EdgeStatus): EdgeStatus[] {
  return edges.some((one) => one.id === edge.id) ? edges.map((one) => (one.id === edge.id ? withLedger(one, edge) : one)) : [...edges, edge]
}

/** An event comes without ledger and sectors; what is held stays. */
function withLedger(held: EdgeStatus, edge: EdgeStatus): EdgeStatus {
  return {
    ...edge,
    ledger: edge.ledger.length === 0 ? held.ledger : edge.ledger,
    sectors: edge.sectors.length === 0 ? held.sectors : edge.sectors,
  }
}
