import { useTranslation } from 'react-i18next'

import type { TimeCount } from '../../api/finding.ts'
import classes from './actors.module.css'

const SHOWN = 60

/** Sightings by day: bars, with the same as a table below for whoever asks. */
export function Days({ days }: { days: TimeCount[] }) {
  const { t } = useTranslation()
  const shown = days.slice(-SHOWN)
  const most = Math.max(1, ...shown.map(({ count }) => count))
  return (
    <>
      <div className={classes.days} aria-hidden>
        {shown.map(({ day, count }) => <span key={day} title={`${day}: ${count}`} style={{ height: `${Math.max(4, (count / most) * 100)}%` }} />)}
      </div>
      <details className={classes.leaps}>
        <summary>{shown[0]?.day} – {shown.at(-1)?.day}</summary>
        <table className={classes.table}>
          <thead><tr><th scope="col">{t('actorsPage.day')}</th><th scope="col">{t('actorsPage.count')}</th></tr></thead>
          <tbody>{shown.toReversed().map(({ day, count }) => <tr key={day}><td>{day}</td><td>{count}</td></tr>)}</tbody>
        </table>
      </details>
    </>
  )
}
