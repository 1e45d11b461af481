import { useEffect, useRef } from 'react'

const KEY = 'yagura.single-keys'

/** Single-letter keys may be switched off: people who dictate would trigger them (WCAG 2.1.4). */
export function singleKeysEnabled(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off'
  } catch {
    return true
  }
}

export function setSingleKeysEnabled(enabled: boolean): void {
  try {
    localStorage.setItem(KEY, enabled ? 'on' : 'off')
  } catch {
    // Storage is refused: single keys stay as they are.
  }
}

/** Whether typing goes into a field just now. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) || target.closest('dialog, [role="dialog"], [role="menu"], [role="listbox"]') !== null
}

export type Shortcuts = Record<string, (event: KeyboardEvent) => void>

/** Keys of a page. A name of two keys, as `g b`, is pressed one after the other. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts)
  useEffect(() => {
    current.current = shortcuts
  })
  useEffect(() => {
    let first = ''
    let firstAt = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (event.key.length === 1 && !singleKeysEnabled()) return
      // A link or a button that has the focus keeps its own Enter.
      if (event.key === 'Enter' && event.target instanceof HTMLElement && event.target.closest('a, button, summary')) return
      const pair = `${first} ${event.key}`
      const inTime = event.timeStamp - firstAt < 1200
      const run = (inTime ? current.current[pair] : undefined) ?? (inTime && first !== '' ? undefined : current.current[event.key])
      first = Object.keys(current.current).some((name) => name.startsWith(`${event.key} `)) ? event.key : ''
      firstAt = event.timeStamp
      if (run) {
        event.preventDefault()
        first = ''
        run(event)
      }
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}
