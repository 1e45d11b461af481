import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState, type RefObject } from 'react'
import { flushSync } from 'react-dom'

import { asApiError, type ApiError } from '../../api/error.ts'
import { readReport, write } from '../../api/room.ts'
import { ReportText } from './report-text.ts'
import { useHere } from './use-room.tsx'

const KEPT = 'yagura.room-report.'
/** What is typed goes out together, so long after the first letter of it. */
const GATHER_MS = 600
const AGAIN_MS = [2000, 5000, 10_000, 20_000]

export interface Report {
  text: string
  /** Whether something waits to be sent. */
  unsent: boolean
  /** Why it is not sent. */
  error: ApiError | null
  /** Whether what there was of it is here. */
  loaded: boolean
  type: (text: string) => void
  /** What others type is not put in while somebody chooses among characters. */
  compose: (on: boolean) => void
}

/** One of the room's situation reports, typed in here and by others. */
export function useReport(number: number, field: RefObject<HTMLTextAreaElement | null>): Report {
  const { room, level } = useHere()
  const id = room.case.id
  const place = `${KEPT}${id}.${number}`
  const copy = useMemo(() => opened(place), [place])
  const [text, setText] = useState(copy.text)
  const [unsent, setUnsent] = useState(copy.unsent)
  const [error, setError] = useState<ApiError | null>(null)
  const [loaded, setLoaded] = useState(false)
  const composing = useRef(false)
  const held = useRef<string[]>([])

  const hear = useCallback((update: string) => {
    if (composing.current) {
      held.current.push(update)
      return
    }
    const area = field.current
    const carets = area && document.activeElement === area ? [copy.caret(area.selectionStart), copy.caret(area.selectionEnd)] as const : null
    copy.hear(update)
    // At once: the next letter is to be compared with what stands in the field then.
    flushSync(() => setText(copy.text))
    if (area && carets) area.setSelectionRange(copy.place(carets[0]), copy.place(carets[1]))
  }, [copy, field])

  useQuery({
    queryKey: ['room', id, 'report', number],
    queryFn: async ({ signal }) => {
      const told = await readReport(id, number, copy.known(), signal)
      // Here and not where the page is drawn: what is heard has to be in the field before the next letter is.
      hear(told.update)
      setLoaded(true)
      return told.as_of
    },
    // What was told to another life of this page is not in this copy.
    gcTime: 0,
    refetchOnMount: 'always',
  })

  // What waits is sent one after the other; after a failure, the same once more under the same key, so that it is one entry.
  const [due, setDue] = useState<{ after: number } | null>(() => (copy.unsent ? { after: GATHER_MS } : null))
  const attempt = useRef({ failed: 0, key: '' })
  const send = useCallback(async () => {
    const update = copy.next()
    if (update === null) return setDue(null)
    const state = attempt.current
    if (state.key === '') state.key = crypto.randomUUID()
    try {
      await write(id, { key: state.key, label: { tlp: level, stub: false }, entry: { says: 'typed', report: number, update } })
      copy.taken()
      attempt.current = { failed: 0, key: '' }
      setError(null)
    } catch (thrown) {
      state.failed += 1
      setError(asApiError(thrown))
    }
    setUnsent(copy.unsent)
    keep(place, copy)
    const { failed } = attempt.current
    setDue(copy.unsent ? { after: failed === 0 ? 0 : (AGAIN_MS[Math.min(failed, AGAIN_MS.length) - 1] ?? 0) } : null)
  }, [copy, id, level, number, place])
  useEffect(() => {
    if (!due) return undefined
    const timer = setTimeout(() => void send(), due.after)
    return () => clearTimeout(timer)
  }, [due, send])

  const type = useCallback((after: string) => {
    setText(after)
    if (composing.current) return
    copy.type(after)
    keep(place, copy)
    if (!copy.unsent) return
    setUnsent(true)
    setDue((held) => held ?? { after: GATHER_MS })
  }, [copy, place])

  const compose = useCallback((on: boolean) => {
    composing.current = on
    if (on) return
    type(field.current?.value ?? copy.text)
    for (const update of held.current.splice(0)) hear(update)
  }, [copy, field, hear, type])

  return { text, unsent, error, loaded, type, compose }
}

function opened(place: string): ReportText {
  const copy = new ReportText()
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(place) ?? '[]')
    if (Array.isArray(kept)) copy.again(kept.filter((one) => typeof one === 'string'))
  } catch {
    // What cannot be read was not written here.
    sessionStorage.removeItem(place)
  }
  return copy
}

function keep(place: string, copy: ReportText): void {
  if (copy.unsent) sessionStorage.setItem(place, JSON.stringify(copy.keep()))
  else sessionStorage.removeItem(place)
}
