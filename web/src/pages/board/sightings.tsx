import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import type { StreamSighting } from '../../api/types.ts'
import { Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { inLanguage } from '../../format/bilingual.ts'
import { defang } from '../../format/value.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './sightings.module.css'

/** The newest sightings, arriving at the top; a new row glows once. */
export function Sightings({ sightings, fresh }: { sightings: StreamSighting[]; fresh: ReadonlySet<string> }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  return (
    <Section id="sightings" title={t('board.newest')} aside={t('board.newestAside', { count: sightings.length })}>
      {sightings.length === 0 && <p className="quiet">{t('board.noSightings')}</p>}
      <ol className={classes.list} tabIndex={0} aria-label={t('board.newest')}>
        {sightings.map((sighting) => (
          <li key={sighting.id}>
            <Link to={`/intelligence/${sighting.indicator}`} className={`${classes.row} ${fresh.has(sighting.id) ? 'fresh' : ''}`}>
              <span className={classes.level} data-level={sighting.severity} title={t(`severity.${sighting.severity}`)}>
                {sighting.severity}<span className="sr-only"> {t(`severity.${sighting.severity}`)}</span>
              </span>
              <span className={classes.what}>
                <span className={classes.name} title={sighting.indicator_name ?? undefined}>{sighting.indicator_name === null ? t('board.hiddenIndicator') : inLanguage(sighting.indicator_name, language)}</span>
                <span className={classes.values}>
                  {name(sighting.organisation)}
                  {sighting.values.slice(0, 2).map((value) => <span key={value} className="mono">{defang(value)}</span>)}
                  {sighting.values.length > 2 && <span>+{sighting.values.length - 2}</span>}
                </span>
              </span>
              <span className={classes.when}>
                <Ago at={sighting.date_added} />
                {sighting.count > 1 && <span>{t('board.times', { count: sighting.count })}</span>}
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </Section>
  )
}
