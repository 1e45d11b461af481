import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import type { MinuteCount } from '../../api/types.ts'
import { Section } from '../../components/page.tsx'
import { exact } from '../../format/number.ts'
import { time } from '../../format/time.ts'
import classes from './hour.module.css'
import { TwinSwitch } from './twin-switch.tsx'

/** A round top for the axis: the next of 5, 10, 15, 20, 30, 40, 50, 100 … above the peak. */
export function axisTop(peak: number): number {
  for (let size = 1; ; size *= 10) {
    for (const step of [5, 10, 15, 20, 30, 40]) {
      if (peak <= step * size) return step * size
    }
  }
}

/** Sightings per minute over the last hour, as a strip of sixty bars. */
export function LastHour({ minutes }: { minutes: MinuteCount[] }) {
  const { t } = useTranslation()
  const [table, setTable] = useState(false)
  const total = minutes.reduce((sum, minute) => sum + minute.count, 0)
  const peak = minutes.reduce((top, minute) => Math.max(top, minute.count), 0)
  const aside = (
    <>
      <span>{t('board.hourTotal', { total: exact(total), peak: exact(peak) })}</span>
      <TwinSwitch table={table} onChange={setTable} />
    </>
  )
  return (
    <Section id="hour" title={t('board.hour')} aside={aside}>
      {table ? <HourTable minutes={minutes} /> : <Strip minutes={minutes} peak={peak} label={t('board.hourTotal', { total: exact(total), peak: exact(peak) })} />}
    </Section>
  )
}

const HEIGHT = 72

function Strip({ minutes, peak, label }: { minutes: MinuteCount[]; peak: number; label: string }) {
  const { t } = useTranslation()
  const top = axisTop(peak)
  return (
    <figure className={classes.strip} role="img" aria-label={label}>
      <div className={classes.axis} aria-hidden>
        <span>{top}</span>
        <span>0</span>
      </div>
      <div className={classes.plot}>
        <svg viewBox={`0 0 ${minutes.length * 10} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
          {minutes.map((minute, place) => {
            const height = minute.count === 0 ? 1 : Math.max(3, (minute.count / top) * HEIGHT)
            return (
              <rect key={minute.at} className={place === minutes.length - 1 ? classes.now : classes.bar} data-zero={minute.count === 0 || undefined} x={place * 10 + 1} y={HEIGHT - height} width={8} height={height}>
                <title>{t('board.minute', { time: time(minute.at, 'JST', false), count: minute.count })}</title>
              </rect>
            )
          })}
        </svg>
        <div className={classes.times} aria-hidden>
          {[0, 15, 30, 45, 59].map((place) => {
            const minute = minutes[place]
            return minute && <span key={place}>{place === 59 ? t('board.now') : time(minute.at, 'JST', false)}</span>
          })}
        </div>
      </div>
    </figure>
  )
}

function HourTable({ minutes }: { minutes: MinuteCount[] }) {
  const { t } = useTranslation()
  const seen = minutes.filter((minute) => minute.count > 0).toReversed()
  return (
    <div className={classes.scroll} tabIndex={0} role="group" aria-label={t('board.hour')}>
      <table className={classes.table}>
        <thead><tr><th>{t('board.minuteWord')}</th><th>{t('board.sightings')}</th></tr></thead>
        <tbody>
          {seen.map((minute) => (
            <tr key={minute.at}><th scope="row">{time(minute.at, 'JST', false)} JST</th><td>{exact(minute.count)}</td></tr>
          ))}
        </tbody>
        <tfoot><tr><td colSpan={2}>{t('board.hourRest', { count: minutes.length - seen.length })}</td></tr></tfoot>
      </table>
    </div>
  )
}
