import { createElement, use, useEffect, type ComponentType } from 'react'

/** A part of the console could not be fetched: the connection is away, or the hub serves a newer console by now. */
export class PartMissing extends Error {}

interface Ahead {
  fetch: () => Promise<unknown>
}

/** A component that is fetched when it is first needed, or ahead of that. */
export type Part<Props extends object> = ComponentType<Props> & Ahead

/** Forgets what failed, each part its own. */
const failures = new Set<() => void>()
/** Style sheets that did not come. */
const bare = new Set<HTMLLinkElement>()

// The bundler asks for the sheet of a part once; the next time it takes the link for the sheet.
window.addEventListener('error', ({ target }) => {
  if (target instanceof HTMLLinkElement && target.rel === 'stylesheet') bare.add(target)
}, true)

/** Asks anew for the sheets that did not come. */
function dressed(): Promise<unknown> {
  return Promise.all([...bare].map((link) => new Promise((resolve, reject) => {
    const anew = link.cloneNode() as HTMLLinkElement
    anew.addEventListener('load', resolve)
    anew.addEventListener('error', reject)
    bare.delete(link)
    link.replaceWith(anew)
  })))
}

/**
 * A part of the console. Beside `lazy` of React, for which a failure is one for good, one that could not be fetched is fetched anew after
 * `tryAgain`; until then it throws `PartMissing` to the nearest boundary.
 */
export function part<Props extends object>(load: () => Promise<{ default: ComponentType<Props> }>): Part<Props> {
  let fetched: Promise<ComponentType<Props>> | undefined
  const fetch = () => {
    fetched ??= dressed().then(load).then((module) => module.default, (fault: unknown) => {
      failures.add(() => { fetched = undefined })
      throw new PartMissing('a part of the console could not be fetched', { cause: fault })
    })
    return fetched
  }
  const Fetched = (props: Props) => createElement(use(fetch()), props)
  return Object.assign(Fetched, { fetch })
}

/** What could not be fetched is fetched again when it is next needed. */
export function tryAgain() {
  for (const forget of failures) forget()
  failures.clear()
}

/** Fetches parts once the first screen stands, and once more when the connection is back: they are to open without it. */
export function useAhead(parts: readonly Ahead[], afterMs: number) {
  useEffect(() => {
    // What fails here is told where it is needed.
    const fetchAll = () => { for (const one of parts) one.fetch().catch(() => {}) }
    const again = () => {
      tryAgain()
      fetchAll()
    }
    const timer = setTimeout(fetchAll, afterMs)
    window.addEventListener('online', again)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('online', again)
    }
  }, [parts, afterMs])
}

/** Whether the hub serves another console than this one: its page does not name this one's program. Not so where it does not answer. */
export async function isRenewed(entry: string, ask: typeof fetch = fetch): Promise<boolean> {
  try {
    const answer = await ask('/', { headers: { accept: 'text/html' }, cache: 'no-cache' })
    return answer.ok && !(await answer.text()).includes(entry)
  } catch {
    return false
  }
}
