import { Button, Select } from '@mantine/core'
import { Printer } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { useBrief, type RoomBrief } from '../../api/room.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Severity } from '../../components/severity.tsx'
import { Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './room.module.css'
import { said } from './said.ts'
import { useNames } from './use-room.tsx'

const HOURS = [4, 8, 12, 24, 72] as const

/** What the next shift has to know, on paper too. */
export default function BriefPage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { id = '' } = useParams()
  const [opened] = useState(() => Date.now())
  const [hours, setHours] = useState<number>(8)
  const brief = useBrief(id, new Date(opened - hours * 3_600_000).toISOString())
  const above = <Link to={`/cases/${id}/room`} className="text-link">{t('room.title')}</Link>
  if (brief.error) return <Page title={t('room.shiftBrief')} above={above}><ErrorNote error={brief.error} retry={() => void brief.refetch()} /></Page>
  if (!brief.data) return <Page title={t('room.shiftBrief')} above={above}><Waiting lines={8} /></Page>
  const actions = (
    <>
      <Select size="xs" w={130} allowDeselect={false} aria-label={t('room.since')} value={String(hours)} onChange={(value) => setHours(Number(value ?? 8))} data={HOURS.map((one) => ({ value: String(one), label: t('room.lastHours', { count: one }) }))} />
      <Button size="xs" variant="default" leftSection={<Printer size={15} aria-hidden />} onClick={() => window.print()}>{t('room.print')}</Button>
    </>
  )
  return (
    <Page title={`${t('room.shiftBrief')}: ${inLanguage(brief.data.case.title, language)}`} above={above} actions={actions} aside={<><Marking marking={brief.data.case.marking} /><span>{t('common.asOf')} <Both at={brief.data.as_of} /></span></>}>
      <Body brief={brief.data} />
    </Page>
  )
}

function Body({ brief }: { brief: RoomBrief }) {
  const { t } = useTranslation()
  const { person, organisation, account } = useNames(brief)
  const { situation } = brief
  const task = (entry: string) => situation.tasks.find((one) => one.entry === entry)?.title
  return (
    <>
      <dl className={classes.facts}>
        <div><dt>{t('room.commander')}</dt><dd>{situation.commander ? person(situation.commander) : t('room.nobodyCommands')}</dd></div>
        <div><dt>{t('severity.word')}</dt><dd>{situation.declared ? <Severity level={situation.declared.level} wide /> : t('room.notDeclared')}</dd></div>
        <div><dt>{t('room.period')}</dt><dd>{situation.period ? <><strong>{t('room.periodNumber', { number: situation.period.number })}</strong> {situation.period.objectives}</> : t('room.noPeriod')}</dd></div>
        <div><dt>{t('room.membersWord')}</dt><dd>{situation.members.map(organisation).join(t('room.comma')) || '–'}</dd></div>
      </dl>
      {(brief.report ?? situation.reported?.text ?? '') !== '' && (
        <Section title={t('room.report.title', { number: brief.report ? situation.reports : situation.reported?.report })} aside={brief.report ? t('room.report.asItStands') : undefined}>
          <p className="prose">{brief.report ? brief.report : situation.reported?.text}</p>
        </Section>
      )}
      <Section title={t('room.openTasksWord')} aside={t('room.lateCount', { count: brief.late })}>
        {situation.tasks.length === 0 ? <p className="quiet">{t('room.noTasks')}</p> : (
          <ul className={classes.tasks}>
            {situation.tasks.map((task) => (
              <li key={task.entry} data-late={task.late || undefined}>
                <p className={classes.taskHead}><span className={classes.state} data-state={task.state}>{t(`room.state.${task.state}`)}</span><strong>{task.title}</strong>{task.late && <span className={classes.late}>{t('room.late')}</span>}</p>
                <p className="quiet">{t('room.fromTo', { from: organisation(task.from), to: organisation(task.to) })} · {t(`room.lane.${task.lane}`)}</p>
                {task.due != null && <p className={classes.due}>{t('room.due')} <Both at={task.due} /></p>}
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title={t('room.whatHappened')} aside={<span>{t('room.since')} <Both at={brief.since} /></span>}>
        {brief.lines.length === 0 ? <p className="quiet">{t('room.nothingHappened')}</p> : (
          <ol className={classes.decisions}>
            {brief.lines.map((line) => (
              <li key={line.entry}>
                <p className="quiet"><Both at={line.at} /> · {line.by == null ? t('room.system') : account(line.by)} · {line.organisation != null && organisation(line.organisation)}</p>
                <p className="prose">{line.says && said(line.says, { t, organisation, person, task })}</p>
              </li>
            ))}
          </ol>
        )}
      </Section>
    </>
  )
}
