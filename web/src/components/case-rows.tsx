import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useSession } from '../api/session.ts'
import type { CaseSummary } from '../api/types.ts'
import { inLanguage } from '../format/bilingual.ts'
import { exact } from '../format/number.ts'
import { useLanguage } from '../i18n.ts'
import classes from './case-rows.module.css'
import { useOrganisationName } from './organisation-name.ts'
import { Severity } from './severity.tsx'
import { Ago, Clock } from './time.tsx'

/** Cases as lines: how grave, what, who, since when. */
export function CaseRows({ cases, fresh, active }: { cases: CaseSummary[]; fresh?: ReadonlySet<string>; active?: number }) {
  return (
    <ol className={classes.list}>
      {cases.map((one, place) => (
        <li key={one.id}>
          <Row one={one} glows={fresh?.has(one.id) ?? false} active={place === active} />
        </li>
      ))}
    </ol>
  )
}

function Row({ one, glows, active }: { one: CaseSummary; glows: boolean; active: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { person } = useSession()
  const name = useOrganisationName()
  const members = one.members.map(name)
  const shown = members.slice(0, 3).join(language === 'ja' ? '、' : ', ')
  const mine = one.assignee === person.id
  return (
    <Link to={`/cases/${one.id}`} data-row className={`${classes.row} ${glows ? 'fresh' : ''}`} data-active={active || undefined}>
      <Severity level={one.severity} wide />
      <span className={classes.what}>
        <span className={classes.title} title={one.title}><span className="quiet">#{one.number}</span> {inLanguage(one.title, language)}</span>
        <span className={classes.members}>{shown}{members.length > 3 && ` +${members.length - 3}`}</span>
      </span>
      <span className={classes.owner} data-nobody={one.assignee === null || undefined}>
        {one.assignee === null ? t('cases.nobody') : mine ? t('cases.you') : (one.assignee_name ?? one.assignee)}
      </span>
      <span className={classes.sightings}>{t('cases.sightingsCount', { count: one.sightings, text: exact(one.sightings) })}</span>
      <span className={classes.when}>
        {one.state === 'open' ? <span className={classes.clock}><Clock from={one.opened} /></span> : <span>{t('cases.closed')}</span>}
        <span className="quiet">{t('cases.lastSeen')} <Ago at={one.last_seen} /></span>
      </span>
    </Link>
  )
}
