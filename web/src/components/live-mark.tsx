import { useTranslation } from 'react-i18next'

import { span } from '../format/time.ts'
import { useLanguage } from '../i18n.ts'
import { useNow } from '../input/now.ts'
import { useLive } from '../stream/provider.tsx'
import classes from './live-mark.module.css'

/** Live is one green dot with its word; anything else is said with its age. */
export function LiveMark() {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow(1000)
  const { state, link, error } = useLive()
  if (link === 'live' && error === null) {
    return (
      <span className={classes.live}>
        <span className={classes.dot} aria-hidden />
        <span className={classes.word}>{t('live.live')}</span>
      </span>
    )
  }
  if (state.heard === 0 || (link === 'connecting' && error === null)) return <span className={classes.waiting}>{t('live.connecting')}</span>
  const age = Math.max(0, Math.floor((now - state.heard) / 1000))
  return (
    <span className={classes.stale} role="status">
      {t('live.stale', { age: span(age, language) })}
    </span>
  )
}
