import { CloseButton } from '@mantine/core'
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { ErrorNote } from './error-note.tsx'
import classes from './toast.module.css'

interface Toast {
  id: number
  text?: string
  error?: unknown
  undo?: () => void
}

interface Toasts {
  say: (text: string, undo?: () => void) => void
  fail: (error: unknown) => void
}

const Context = createContext<Toasts>({ say: () => {}, fail: () => {} })

export function useToasts(): Toasts {
  return useContext(Context)
}

/** Short notes at the foot of the page: what was done, and the way back. They stay while pointed at. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation()
  const [toasts, setToasts] = useState<Toast[]>([])
  const count = useRef(0)
  const drop = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), [])
  const add = useCallback((toast: Omit<Toast, 'id'>, lasts: number) => {
    count.current += 1
    const id = count.current
    setToasts((all) => [...all.slice(-2), { ...toast, id }])
    setTimeout(() => drop(id), lasts)
  }, [drop])
  const value = useMemo<Toasts>(() => ({
    say: (text, undo) => add(undo ? { text, undo } : { text }, undo ? 10_000 : 5000),
    fail: (error) => add({ error }, 20_000),
  }), [add])
  return (
    <Context.Provider value={value}>
      {children}
      <div className={classes.stack} role="status" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} className={toast.error === undefined ? classes.toast : classes.failure}>
            {toast.error === undefined ? <span>{toast.text}</span> : <ErrorNote error={toast.error} />}
            {toast.undo && (
              <button type="button" className={classes.undo} onClick={() => { toast.undo?.(); drop(toast.id) }}>
                {t('toast.undo')}
              </button>
            )}
            <CloseButton size="sm" className={classes.close} aria-label={t('toast.close')} onClick={() => drop(toast.id)} />
          </div>
        ))}
      </div>
    </Context.Provider>
  )
}
