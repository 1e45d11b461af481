import { useTranslation } from 'react-i18next'

import { useEndings } from '../../api/identity.ts'
import { Ago } from '../../components/time.tsx'
import { useNow } from '../../input/now.ts'
import classes from './administration.module.css'

const words: Record<string, 'endings.certificate' | 'endings.issued' | 'endings.root' | 'endings.qualification' | undefined> = {
  certificate: 'endings.certificate',
  'issued-certificate': 'endings.issued',
  root: 'endings.root',
  qualification: 'endings.qualification',
}

/** What ends within two weeks, or did within one: nobody misses a token before its program is silent. */
export function Endings() {
  const { t } = useTranslation()
  const now = useNow(60_000)
  const known = useEndings().data?.endings ?? []
  if (known.length === 0) return null
  return (
    <section className={classes.endings} aria-label={t('endings.title')}>
      <strong>{t('endings.title')}</strong>
      <ul>
        {known.map((one) => (
          <li key={`${one.kind} ${one.id}`}>
            {t(words[one.kind] ?? 'endings.token', { name: one.name === '' ? one.id : one.name })}
            {' · '}{Date.parse(one.at) <= now && <strong>{t('endings.ended')} </strong>}<Ago at={one.at} />
          </li>
        ))}
      </ul>
    </section>
  )
}
