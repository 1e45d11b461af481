import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useReportCatalogue, type ReportDuty } from '../../api/reports.ts'
import { Ago, Both } from '../../components/time.tsx'
import { useLanguage } from '../../i18n.ts'
import { useNow } from '../../input/now.ts'
import { doubts, formPath, gone, left, toneOf } from './clocks.ts'
import classes from './reports.module.css'
import { useWords } from './words.ts'

/** Clocks, the most urgent first. Each says in words what its colour repeats, and why it is not certain where it is not. */
export function DutyTable({ duties, named = false }: { duties: ReportDuty[]; named?: boolean }) {
  const { t } = useTranslation()
  const words = useWords()
  return (
    <div className={classes.wrap}>
      <table className={`${classes.table} ${classes.clocks}`}>
        <thead>
          <tr>
            <th scope="col">{t('reporting.standing')}</th>
            <th scope="col">{t('reporting.due')}</th>
            {named && <th scope="col">{t('reporting.report')}</th>}
            <th scope="col">{t('reporting.regime')}</th>
            <th scope="col">{t('reporting.recipient')}</th>
            <th scope="col"><span className="sr-only">{t('reporting.toDo')}</span></th>
          </tr>
        </thead>
        <tbody>
          {duties.map((duty) => (
            <tr key={`${duty.report} ${duty.regime} ${duty.stage} ${duty.recipient}`} data-tone={toneOf(duty)}>
              <td><Standing duty={duty} /></td>
              <td><Deadline duty={duty} /></td>
              {named && <td><Link className="text-link" to={`/reports/${duty.report}`}>{duty.title === '' ? t('reporting.untitled') : duty.title}</Link></td>}
              <td>{words(duty.regime_name)}<span className={classes.under}>{words(duty.stage_name)}</span></td>
              <td>{words(duty.recipient_name)}</td>
              <td><ToDo duty={duty} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Standing({ duty }: { duty: ReportDuty }) {
  const { t } = useTranslation()
  const words = useWords()
  const fields = useReportCatalogue().data?.fields ?? []
  const unsure = doubts(duty)
  const deciding = duty.verdict === 'may-apply' ? fields.filter((field) => duty.because.includes(field.id)) : []
  return (
    <>
      <span className={classes.mark} data-tone={toneOf(duty)}>{duty.verdict === 'needs-consent' ? t('reporting.needsConsent') : t(`reporting.states.${duty.state}`)}</span>
      {duty.late && <span className={classes.under}>{t('reporting.wasLate')}</span>}
      {unsure.length > 0 && <span className={classes.under}>{t('reporting.uncertain')}: {unsure.map((doubt) => t(`reporting.doubts.${doubt}`)).join(' · ')}</span>}
      {deciding.length > 0 && <span className={classes.under}>{t('reporting.decidedBy')}: {deciding.map((field) => words(field.label)).join(' · ')}</span>}
    </>
  )
}

function Deadline({ duty }: { duty: ReportDuty }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow()
  if (duty.met != null) return <Ago at={duty.met} />
  const time = left(duty, now, language)
  if (duty.due == null || time === null) return <span className="quiet">{t('reporting.noNumber')}</span>
  const share = gone(duty, now)
  return (
    <>
      <strong className={classes.left} data-late={time.late || undefined}>{t(time.late ? 'reporting.lateBy' : 'reporting.left', { time: time.text })}</strong>
      <span className={classes.under}><Both at={duty.due} /></span>
      {share !== null && (
        <span className={classes.line} aria-hidden>
          <span className={classes.gone} style={{ width: `${Math.round(share * 100)}%` }} />
          <span className={classes.half} title={t('reporting.halfTime')} />
        </span>
      )}
      {duty.due_before_extension != null && <span className={classes.under}>{t('reporting.extended')}</span>}
    </>
  )
}

function ToDo({ duty }: { duty: ReportDuty }) {
  const { t } = useTranslation()
  const path = formPath(duty)
  if (path === null) return <span className="quiet">{t('reporting.theirs')}</span>
  return <Link className="text-link" to={path}>{t(duty.met == null ? 'reporting.openForm' : 'reporting.fileAgain')}</Link>
}
