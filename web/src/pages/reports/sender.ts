import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState } from 'react'

import { begin, useReportCatalogue, useReportProfile } from '../../api/reports.ts'
import { useSession } from '../../api/session.ts'
import { drafts, drop, keep, sendReady, type Draft } from './drafts.ts'

/** How often what waits is tried again. */
const TRY_EVERY_MS = 15_000
const CHANGED = 'yagura-report-drafts'

const tell = () => window.dispatchEvent(new Event(CHANGED))

/** The reader's own drafts in this browser, and what may be done with them. */
export function useDrafts() {
  const { person } = useSession()
  const [all, setAll] = useState(() => drafts(person.id, localStorage))
  useEffect(() => {
    const look = () => setAll(drafts(person.id, localStorage))
    // Another tab may have written them.
    for (const event of [CHANGED, 'storage']) window.addEventListener(event, look)
    return () => {
      for (const event of [CHANGED, 'storage']) window.removeEventListener(event, look)
    }
  }, [person.id])
  const hold = useCallback((draft: Draft) => {
    const held = keep(person.id, localStorage, draft)
    tell()
    return held
  }, [person.id])
  const forget = useCallback((id: string) => {
    drop(person.id, localStorage, id)
    tell()
  }, [person.id])
  return { drafts: all, hold, forget }
}

/** Keeps at hand what the emergency report is made of: its page is to open without a connection, too. */
export function useReadiness(enabled: boolean) {
  useReportCatalogue(enabled)
  useReportProfile(enabled)
}

/** Sends what was written without a connection as soon as there is one, whatever page is open. */
export function useDraftSender(enabled: boolean) {
  const { person } = useSession()
  const client = useQueryClient()
  useEffect(() => {
    if (!enabled) return
    let busy = false
    const go = async () => {
      if (busy || drafts(person.id, localStorage).length === 0) return
      busy = true
      try {
        if ((await sendReady(person.id, localStorage, begin)).length > 0) await client.invalidateQueries({ queryKey: ['reports'] })
      } finally {
        busy = false
        tell()
      }
    }
    void go()
    const again = () => void go()
    const timer = setInterval(again, TRY_EVERY_MS)
    window.addEventListener('online', again)
    return () => {
      clearInterval(timer)
      window.removeEventListener('online', again)
    }
  }, [client, enabled, person.id])
}
