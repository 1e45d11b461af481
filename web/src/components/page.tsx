import { useEffect, type ReactNode } from 'react'

import { nameOf, useSession } from '../api/session.ts'
import { useLanguage } from '../i18n.ts'
import classes from './page.module.css'

/** A page's heading: its name, what it is true for, and what one can do here. */
export function Page({ title, tab, above, aside, actions, children }: { title: ReactNode; tab?: string; above?: ReactNode; aside?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  const language = useLanguage()
  const { node } = useSession()
  const name = tab ?? (typeof title === 'string' ? title : '')
  useEffect(() => {
    document.title = `${name} — ${nameOf(node, language)}`
  }, [name, node, language])
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        {above !== undefined && <div className={classes.above}>{above}</div>}
        <div className={classes.line}>
          <h1>{title}</h1>
          {aside !== undefined && <div className={classes.aside}>{aside}</div>}
          {actions !== undefined && <div className={classes.actions}>{actions}</div>}
        </div>
      </header>
      {children}
    </div>
  )
}

/** A part of a page: a heading over a hairline, no box. */
export function Section({ title, aside, children, id }: { title: ReactNode; aside?: ReactNode; children: ReactNode; id?: string }) {
  return (
    <section className={classes.section} aria-labelledby={id}>
      <header className={classes.sectionHead}>
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div className={classes.aside}>{aside}</div>}
      </header>
      {children}
    </section>
  )
}
