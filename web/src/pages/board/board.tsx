import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useMay, useSession } from '../../api/session.ts'
import type { Board, CaseSummary, EdgeHealth } from '../../api/types.ts'
import { CaseRows } from '../../components/case-rows.tsx'
import { Duties, useDuties } from '../../components/duties.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Severity } from '../../components/severity.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { sectorWord } from '../../components/sector-word.ts'
import { exact, short } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { useLive } from '../../stream/provider.tsx'
import classes from './board.module.css'
import { LastHour } from './hour.tsx'
import { Japan } from './japan.tsx'
import { Sectors } from './sectors.tsx'
import { Sightings } from './sightings.tsx'

/** Is something happening to us, where, and is someone on it? */
export function BoardPage() {
  const { t } = useTranslation()
  const { state, error } = useLive()
  const board = state.board
  if (!board) {
    return <Page title={t('places.board')}>{error ? <ErrorNote error={error} /> : <Waiting lines={8} />}</Page>
  }
  return <Situation board={board} />
}

function Situation({ board }: { board: Board }) {
  const { t } = useTranslation()
  const { person } = useSession()
  const { state } = useLive()
  const waiting = board.cases.filter((one) => one.assignee === null || one.assignee === person.id)
  const duties = useDuties()
  const others = board.cases.filter((one) => one.assignee !== null && one.assignee !== person.id)
  return (
    <Page title={<Statement board={board} />} tab={t('places.board')} aside={<BySeverity cases={board.cases} />} actions={<AsOf at={board.as_of} />}>
      <div className={classes.board}>
        <div className={classes.waiting}>
          <Section id="waiting" title={t('board.waiting')} aside={waiting.length > 0 ? t('board.waitingAside') : undefined}>
            <Duties duties={duties} />
            {waiting.length > 0 && <CaseRows cases={waiting} fresh={state.fresh} />}
            {waiting.length + duties.length === 0 && <p className={classes.nothing}>{t('board.nothingWaits')}</p>}
          </Section>
        </div>
        <div className={classes.sectors}><Sectors sectors={board.sectors} /></div>
        <div className={classes.map}><Japan sectors={board.sectors} /></div>
        <div className={classes.hour}><LastHour minutes={board.last_hour} /></div>
        <div className={classes.cases}>
          <Section id="others" title={t('board.others')} aside={t('board.count', { count: others.length })}>
            {others.length === 0 ? <p className={classes.nothing}>{t('board.noOthers')}</p> : <CaseRows cases={others} fresh={state.fresh} />}
          </Section>
        </div>
        <div className={classes.sightings}><Sightings sightings={board.sightings} fresh={state.fresh} /></div>
        <div className={classes.edges}><Foot board={board} /></div>
      </div>
    </Page>
  )
}

/** The answer to the screen's question, in one sentence. */
function Statement({ board }: { board: Board }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const touched = board.sectors.filter((sector) => sector.cases > 0).sort((a, b) => (b.severity ?? 0) - (a.severity ?? 0))
  if (board.cases.length === 0) return <span>{t('board.allCalm')}</span>
  const names = touched.slice(0, 3).map((sector) => sectorWord(sector.sector, t)).join(language === 'ja' ? '・' : ', ')
  const more = touched.length - 3
  return (
    <span className={classes.statement}>
      {touched.length === 0
        ? t('board.openCases', { count: board.cases.length })
        : t('board.touched', { count: board.cases.length, sectors: more > 0 ? t('board.andMore', { names, count: more }) : names })}
    </span>
  )
}

function BySeverity({ cases }: { cases: CaseSummary[] }) {
  const levels = [5, 4, 3, 2, 1, 0].map((level) => ({ level, count: cases.filter((one) => one.severity === level).length }))
  return (
    <ul className={classes.levels}>
      {levels.filter(({ count }) => count > 0).map(({ level, count }) => (
        <li key={level}><Severity level={level} /> × {count}</li>
      ))}
    </ul>
  )
}

function AsOf({ at }: { at: string }) {
  const { t } = useTranslation()
  return <span className={classes.asOf}>{t('common.asOf')} <Ago at={at} /></span>
}

const HEALTHS: EdgeHealth[] = ['troubled', 'silent', 'new', 'well']

function Foot({ board }: { board: Board }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const seesEdges = useMay('see-edges')
  const counts = new Map(board.edges)
  const total = board.edges.reduce((sum, [, count]) => sum + count, 0)
  const line = (
    <ul className={classes.health}>
      {HEALTHS.filter((health) => (counts.get(health) ?? 0) > 0).map((health) => (
        <li key={health} data-health={health}>{t(`health.${health}`)} {exact(counts.get(health) ?? 0)}</li>
      ))}
    </ul>
  )
  return (
    <div className={classes.foot}>
      <span>
        <b>{seesEdges ? <Link to="/edges" className="text-link">{t('board.edges', { count: total })}</Link> : t('board.edges', { count: total })}</b>
        {line}
      </span>
      <span title={exact(board.indicators)}>{t('board.indicators', { text: short(board.indicators, language) })}</span>
    </div>
  )
}
