import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import type { SectorState } from '../../api/types.ts'
import { Section } from '../../components/page.tsx'
import { sectorWord } from '../../components/sector-word.ts'
import { short } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './sectors.module.css'

/** Fifteen sectors: how grave, how many cases, how many sightings. Plain text in a list: its own table twin. */
export function Sectors({ sectors }: { sectors: SectorState[] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <Section id="sectors" title={t('board.sectors')} aside={t('board.sectorsAside')}>
      <ul className={classes.grid}>
        {sectors.map((state) => (
          <li key={state.sector}>
            <Link to={`/cases?sector=${state.sector}`} className={classes.tile} data-level={state.severity ?? undefined} data-empty={state.organisations === 0 || undefined}>
              <span className={classes.name}>{sectorWord(state.sector, t)}</span>
              <span className={classes.state}>
                {state.severity === null ? t('board.calm') : <><b>{state.severity}</b> {t(`severity.${state.severity}`)}</>}
              </span>
              <span className={classes.figures}>
                {state.cases > 0 && <span>{t('board.casesShort', { count: state.cases })}</span>}
                {state.sightings > 0 && <span>{t('board.sightingsShort', { count: state.sightings, text: short(state.sightings, language) })}</span>}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  )
}
