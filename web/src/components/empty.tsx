import type { ReactNode } from 'react'

import classes from './notes.module.css'

/** An empty place says what would fill it, and offers the first step. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <p className={classes.what}>{title}</p>
      {children !== undefined && <p className={classes.hint}>{children}</p>}
      {action}
    </div>
  )
}
