import { useEffect, useRef } from 'react'
import { NavLink } from 'react-router'

import classes from './tabs.module.css'

/** The parts of a place, side by side. Where they are wider than the page, the one that is open is brought into sight. */
export function Tabs({ name, current, parts }: { name: string; current: string; parts: { to: string; label: string }[] }) {
  const strip = useRef<HTMLElement>(null)
  useEffect(() => {
    const tab = strip.current?.querySelector('[aria-current="page"]')
    if (!strip.current || !tab) return
    // The strip alone is moved, and never the page.
    const [all, one] = [strip.current.getBoundingClientRect(), tab.getBoundingClientRect()]
    strip.current.scrollLeft += Math.max(0, one.right - all.right) + Math.min(0, one.left - all.left)
  }, [current])
  return (
    <nav ref={strip} className={classes.tabs} aria-label={name}>
      {parts.map(({ to, label }) => <NavLink key={to} to={to}>{label}</NavLink>)}
    </nav>
  )
}
