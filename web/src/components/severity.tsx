import { useTranslation } from 'react-i18next'

import classes from './severity.module.css'

/** A severity, always with number and word; colour only repeats them. */
export function Severity({ level, wide = false }: { level: number; wide?: boolean }) {
  const { t } = useTranslation()
  return (
    <span className={classes.chip} data-level={level} data-wide={wide || undefined}>
      <b>{level}</b>
      <span>{t(`severity.${level}`)}</span>
    </span>
  )
}
