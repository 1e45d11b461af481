import { useTranslation } from 'react-i18next'

import type { EdgeHealth } from '../api/types.ts'
import classes from './health.module.css'

/** How an edge is: a shape, a colour and a word. */
export function Health({ health }: { health: EdgeHealth }) {
  const { t } = useTranslation()
  return <span className={classes.health} data-health={health}>{t(`health.${health}`)}</span>
}
