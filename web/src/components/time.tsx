import { useLanguage } from '../i18n.ts'
import { useNow } from '../input/now.ts'
import { absolute, clock, relative, type Zone } from '../format/time.ts'
import classes from './time.module.css'

/** A moment: relative, the absolute beside it when pointed at or when its row has the focus. */
export function Ago({ at }: { at: string }) {
  const language = useLanguage()
  const now = useNow(5000)
  return (
    <time className={classes.ago} dateTime={at} data-absolute={absolute(at, 'JST')}>
      {relative(at, now, language)}
    </time>
  )
}

/** How long something has been going on, counting. */
export function Clock({ from }: { from: string }) {
  const language = useLanguage()
  const now = useNow()
  return (
    <time className={classes.ago} dateTime={from} data-absolute={absolute(from, 'JST')}>
      {clock(from, now, language)}
    </time>
  )
}

/** A moment in full, Japan's time beside UTC. */
export function Both({ at }: { at: string }) {
  const zones: Zone[] = ['JST', 'UTC']
  return (
    <time className={classes.both} dateTime={at}>
      {zones.map((zone) => (
        <span key={zone}>{absolute(at, zone)}</span>
      ))}
    </time>
  )
}
