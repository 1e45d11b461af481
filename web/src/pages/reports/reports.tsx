import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useReportCatalogue, useReportDuties, useReports, type ReportSummary } from '../../api/reports.ts'
import { useSession } from '../../api/session.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { DutyTable } from './duty-table.tsx'
import { whose } from './receivers.ts'
import classes from './reports.module.css'
import { useDrafts } from './sender.ts'
import { useWords } from './words.ts'

/** What must I say now? The clocks first, then what was written. */
export default function ReportsPage() {
  const { t } = useTranslation()
  const { may } = useSession()
  const writes = may.includes('write-reports')
  const actions = writes && (
    <>
      <Button component={Link} to="/reports/profile" variant="default">{t('reporting.profile')}</Button>
      <Button component={Link} to="/reports/new">{t('reporting.begin')}</Button>
    </>
  )
  return (
    <Page title={t('places.reports')} actions={actions}>
      {writes && <Drafts />}
      {writes && <Clocks />}
      <Section title={t('reporting.all')}><List /></Section>
    </Page>
  )
}

/** What is not at the hub yet. */
function Drafts() {
  const { t } = useTranslation()
  const { drafts, forget } = useDrafts()
  if (drafts.length === 0) return null
  return (
    <Section title={t('reporting.drafts')}>
      <ul className={classes.list}>
        {drafts.map((draft) => (
          <li key={draft.id} className={classes.item}>
            <Link className="text-link" to={`/reports/new?draft=${draft.id}`}>{typeof draft.fields['summary'] === 'string' ? draft.fields['summary'].split('\n')[0] : t('reporting.untitled')}</Link>
            <span className={classes.mark} data-tone={draft.refused === undefined ? 'unsure' : 'bad'}>{t(draft.refused !== undefined ? 'reporting.draftRefused' : draft.ready ? 'reporting.draftWaits' : 'reporting.draftOpen')}</span>
            {!draft.ready && <Button size="compact-xs" variant="subtle" onClick={() => forget(draft.id)}>{t('reporting.forget')}</Button>}
          </li>
        ))}
      </ul>
    </Section>
  )
}

function Clocks() {
  const { t } = useTranslation()
  const duties = useReportDuties(true)
  if (duties.error) return <ErrorNote error={duties.error} retry={() => void duties.refetch()} />
  if (!duties.data) return <Waiting />
  return (
    <Section title={t('reporting.clocks')} aside={<span>{t('reporting.clockCount', { count: duties.data.duties.length })} · <Ago at={duties.data.as_of} /></span>}>
      {duties.data.duties.length === 0 ? <Empty title={t('reporting.noClocks')}>{t('reporting.noClocksHint')}</Empty> : <DutyTable duties={duties.data.duties} named />}
    </Section>
  )
}

function List() {
  const { t } = useTranslation()
  const reports = useReports()
  if (reports.error) return <ErrorNote error={reports.error} retry={() => void reports.refetch()} />
  if (!reports.data) return <Waiting />
  const all = reports.data.pages.flatMap((page) => page.reports)
  if (all.length === 0) return <Empty title={t('reporting.none')}>{t('reporting.noneHint')}</Empty>
  return (
    <>
      <ul className={classes.list}>{all.map((report) => <li key={report.id} className={classes.item}><Row report={report} /></li>)}</ul>
      {reports.hasNextPage && <Button variant="default" loading={reports.isFetchingNextPage} onClick={() => void reports.fetchNextPage()}>{t('reporting.more')}</Button>}
    </>
  )
}

function Row({ report }: { report: ReportSummary }) {
  const { t } = useTranslation()
  const words = useWords()
  const name = useOrganisationName()
  const kinds = useReportCatalogue().data?.kinds ?? []
  const title = report.title != null && report.title !== '' ? report.title : t(report.own ? 'reporting.untitled' : 'reporting.givenCopy')
  return (
    <>
      <Link className="text-link" to={`/reports/${report.id}`}>{title}</Link>
      <span>{kinds.filter((kind) => report.kinds.includes(kind.id)).map((kind) => words(kind.label)).join(' · ')}</span>
      {!report.own && <span>{whose(report, name, words)}</span>}
      <span className="quiet"><Ago at={report.changed} /></span>
    </>
  )
}
