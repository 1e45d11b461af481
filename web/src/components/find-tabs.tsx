import { useTranslation } from 'react-i18next'
import { NavLink } from 'react-router'

import classes from './find-tabs.module.css'

const WAYS = [
  { path: '/intelligence', name: 'finding.more' },
  { path: '/feed', name: 'places.feed' },
  { path: '/actors', name: 'places.actors' },
  { path: '/matrix', name: 'places.matrix' },
  { path: '/graph', name: 'places.graph' },
  { path: '/sameness', name: 'places.sameness' },
  { path: '/searches', name: 'places.searches' },
]

/** The ways to find something out, side by side. */
export function FindTabs() {
  const { t } = useTranslation()
  return (
    <nav className={classes.tabs} aria-label={t('places.intelligence')}>
      {WAYS.map(({ path, name }) => <NavLink key={path} to={path} end={path === '/intelligence'} className={classes.tab}>{t(name)}</NavLink>)}
    </nav>
  )
}
