import { Component, useEffect, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { ApiError } from '../api/error.ts'
import { isRenewed, PartMissing, tryAgain } from '../part.ts'
import { ErrorNote } from './error-note.tsx'
import classes from './page.module.css'

/** How often what is missing is asked for again. */
const TRY_EVERY_MS = 5000

/** The program of this console, as its page names it. */
const entry = () => document.querySelector('script[type=module][src]')?.getAttribute('src') ?? ''

interface Props {
  /** Where the reader is: what failed in one place need not fail in the next. */
  place: string
  /** Told of a fault; nothing is shown then. */
  onFault?: (fault: unknown) => void
  children: ReactNode
}

/** A fault as an error that the console can explain. */
export const explained = (fault: unknown) =>
  fault instanceof PartMissing ? new ApiError('unfetched', 0) : new ApiError('broken', 0, fault instanceof Error ? fault.message : undefined)

/** Keeps the fault of a page to that page: the rest of the console goes on. */
export class Boundary extends Component<Props, { fault: unknown }> {
  override state: { fault: unknown } = { fault: undefined }

  static getDerivedStateFromError(fault: unknown) {
    return { fault }
  }

  override componentDidCatch(fault: unknown) {
    this.props.onFault?.(fault)
  }

  override componentDidUpdate(before: Props) {
    if (before.place !== this.props.place && this.state.fault !== undefined) this.#again()
  }

  #again = () => {
    tryAgain()
    this.setState({ fault: undefined })
  }

  override render() {
    const { fault } = this.state
    if (fault === undefined) return this.props.children
    return this.props.onFault === undefined ? <Fault fault={fault} again={this.#again} /> : null
  }
}

function Fault({ fault, again }: { fault: unknown; again: () => void }) {
  const { t } = useTranslation()
  const isMissing = fault instanceof PartMissing
  useEffect(() => {
    if (!isMissing) return
    const look = () => void isRenewed(entry()).then((renewed) => (renewed ? window.location.reload() : again()))
    const timer = setInterval(look, TRY_EVERY_MS)
    window.addEventListener('online', look)
    return () => {
      clearInterval(timer)
      window.removeEventListener('online', look)
    }
  }, [again, isMissing])
  // No page as the others are: those need somebody who is signed in.
  return (
    <div className={classes.page}>
      <header className={classes.head}><div className={classes.line}><h1>{t('errors.page')}</h1></div></header>
      <ErrorNote error={explained(fault)} retry={again} />
    </div>
  )
}
