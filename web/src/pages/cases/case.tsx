import { Button, Menu, Popover, Textarea, TextInput } from '@mantine/core'
import { Check, ChevronDown, Pencil, Printer } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { useCase, usePeople } from '../../api/queries.ts'
import { useMay, useSession } from '../../api/session.ts'
import type { Case, CaseSummary } from '../../api/types.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { sectorWords } from '../../components/sector-word.ts'
import { Severity } from '../../components/severity.tsx'
import { Both, Clock } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { exact } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { useShortcuts } from '../../input/shortcuts.ts'
import { typeWord } from '../../components/type-word.ts'
import { CaseEvidence } from '../evidence/of-case.tsx'
import { defang } from '../../format/value.ts'
import classes from './case.module.css'
import { useCaseChange } from './change.ts'
import { Composer } from './composer.tsx'
import { CaseRuns } from './runs.tsx'
import { Timeline } from './timeline.tsx'

/** What is known, who does what, what was decided. */
export default function CasePage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const one = useCase(id)
  if (one.error && !one.data) return <Page title={t('cases.case')} above={<Back />}><ErrorNote error={one.error} retry={() => void one.refetch()} /></Page>
  if (!one.data) return <Page title={t('cases.case')} above={<Back />}><Waiting lines={10} /></Page>
  return <Loaded key={id} one={one.data} />
}

function Back() {
  const { t } = useTranslation()
  return <Link to="/cases" className="text-link">{t('places.cases')}</Link>
}

function Loaded({ one }: { one: Case }) {
  const { t } = useTranslation()
  const mayWork = useMay('work-cases')
  const { summary } = one
  const language = useLanguage()
  const [editing, setEditing] = useState(false)
  useShortcuts({ e: () => mayWork && setEditing(true) })
  return (
    <Page
      title={editing ? <TitleForm summary={summary} onDone={() => setEditing(false)} /> : <>{inLanguage(summary.title, language)}{mayWork && <EditTitle onClick={() => setEditing(true)} />}</>}
      tab={`#${summary.number} ${summary.title}`}
      above={<><Back /> / #{summary.number}</>}
      actions={mayWork && <><Button component={Link} to={`/cases/${summary.id}/room`} size="xs">{t('room.enter')}</Button><Actions summary={summary} /></>}
    >
      <Facts summary={summary} />
      <div className={classes.columns}>
        <Section id="timeline" title={t('cases.timeline')} aside={t('cases.entries', { count: one.timeline.length })}>
          {mayWork && <Composer id={summary.id} />}
          <Timeline entries={one.timeline} />
        </Section>
        <aside aria-label={t('cases.objects')}>
          <CaseRuns id={summary.id} isOpen={summary.state === 'open'} />
          <CaseEvidence id={summary.id} />
          <Objects one={one} />
        </aside>
      </div>
    </Page>
  )
}

function EditTitle({ onClick }: { onClick: () => void }) {
  const { t } = useTranslation()
  return <button type="button" className={classes.edit} aria-label={t('cases.editTitle')} title={`${t('cases.editTitle')} (e)`} onClick={onClick}><Pencil size={15} /></button>
}

function TitleForm({ summary, onDone }: { summary: CaseSummary; onDone: () => void }) {
  const { t } = useTranslation()
  const [title, setTitle] = useState(summary.title)
  const change = useCaseChange(summary.id)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (title.trim() !== '' && title !== summary.title) change.mutate({ wanted: { title: title.trim() }, said: t('cases.titleChanged') })
    onDone()
  }
  return (
    <form className={classes.titleForm} onSubmit={submit}>
      <TextInput autoFocus aria-label={t('cases.title')} maxLength={200} value={title} onChange={(event) => setTitle(event.currentTarget.value)} onKeyDown={(event) => event.key === 'Escape' && onDone()} />
      <Button type="submit">{t('common.save')}</Button>
      <Button variant="default" onClick={onDone}>{t('common.cancel')}</Button>
    </form>
  )
}

function Actions({ summary }: { summary: CaseSummary }) {
  const { t } = useTranslation()
  const [menu, setMenu] = useState<'severity' | 'assign' | 'close' | null>(null)
  const toggle = (name: 'severity' | 'assign' | 'close') => (open: boolean) => setMenu(open ? name : null)
  useShortcuts({ s: () => setMenu('severity'), a: () => setMenu('assign'), '.': () => setMenu('severity') })
  const change = useCaseChange(summary.id)
  return (
    <>
      <Button size="xs" variant="default" leftSection={<Printer size={14} aria-hidden />} onClick={() => window.print()}>{t('print.case')}</Button>
      <SeverityMenu summary={summary} opened={menu === 'severity'} onChange={toggle('severity')} />
      <AssignMenu summary={summary} opened={menu === 'assign'} onChange={toggle('assign')} />
      {summary.state === 'open'
        ? <CloseForm summary={summary} opened={menu === 'close'} onChange={toggle('close')} />
        : <Button size="xs" variant="default" onClick={() => change.mutate({ wanted: { state: 'open' }, said: t('cases.reopened') })}>{t('cases.reopen')}</Button>}
    </>
  )
}

interface Opening {
  summary: CaseSummary
  opened: boolean
  onChange: (opened: boolean) => void
}

function SeverityMenu({ summary, opened, onChange }: Opening) {
  const { t } = useTranslation()
  const change = useCaseChange(summary.id)
  return (
    <Menu opened={opened} onChange={onChange} position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="default" rightSection={<ChevronDown size={14} />}>{t('severity.word')}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {[5, 4, 3, 2, 1, 0].map((level) => (
          <Menu.Item
            key={level}
            rightSection={level === summary.severity ? <Check size={14} /> : undefined}
            disabled={level === summary.severity}
            onClick={() => change.mutate({ wanted: { severity: level }, said: t('cases.severityChanged', { level, word: t(`severity.${level}`) }) })}
          >
            <Severity level={level} wide />
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

function AssignMenu({ summary, opened, onChange }: Opening) {
  const { t } = useTranslation()
  const { person } = useSession()
  const people = usePeople(useMay('administer')).data ?? []
  const change = useCaseChange(summary.id)
  const choices = [person, ...people.filter((other) => other.id !== person.id)]
  return (
    <Menu opened={opened} onChange={onChange} position="bottom-end" width={220}>
      <Menu.Target>
        <Button size="xs" variant="default" rightSection={<ChevronDown size={14} />}>{t('cases.assign')}</Button>
      </Menu.Target>
      <Menu.Dropdown mah={320} style={{ overflowY: 'auto' }}>
        {choices.map((other) => (
          <Menu.Item
            key={other.id}
            disabled={other.id === summary.assignee}
            onClick={() => change.mutate({ wanted: { assignee: other.id }, assigneeName: other.name, said: t('cases.assigned', { name: other.name }) })}
          >
            {other.id === person.id ? t('cases.me', { name: person.name }) : other.name}
          </Menu.Item>
        ))}
        {summary.assignee !== null && (
          <>
            <Menu.Divider />
            <Menu.Item onClick={() => change.mutate({ wanted: { assignee: '' }, said: t('cases.unassigned') })}>{t('cases.nobody')}</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

function CloseForm({ summary, opened, onChange }: Opening) {
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  const change = useCaseChange(summary.id)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate({ wanted: { state: 'closed', ...(reason.trim() === '' ? {} : { reason: reason.trim() }) }, said: t('cases.closedNow') }, { onSuccess: () => setReason('') })
    onChange(false)
  }
  return (
    <Popover opened={opened} onChange={onChange} position="bottom-end" width={340} trapFocus shadow="md">
      <Popover.Target>
        <Button size="xs" variant="default" onClick={() => onChange(!opened)}>{t('cases.close')}</Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('cases.close')}>
        <form className={classes.closeForm} onSubmit={submit}>
          <Textarea data-autofocus label={t('cases.reason')} autosize minRows={2} maxLength={20000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          <Button type="submit">{t('cases.closeNow')}</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  )
}

/** The summary line, and the moments in Japan's time beside UTC. */
function Facts({ summary }: { summary: CaseSummary }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { person } = useSession()
  const name = useOrganisationName()
  const open = summary.state === 'open'
  const owner = summary.assignee === null ? t('cases.nobody') : summary.assignee === person.id ? t('cases.you') : (summary.assignee_name ?? summary.assignee)
  return (
    <div className={classes.facts}>
      <div className={classes.line}>
        <Severity level={summary.severity} wide />
        <strong data-open={open || undefined}>{t(open ? 'cases.isOpen' : 'cases.closed')}</strong>
        {open && <span className={classes.clock}><Clock from={summary.opened} /></span>}
        <span data-nobody={summary.assignee === null || undefined} className={classes.owner}>{t('cases.owner')}: {owner}</span>
        <Marking marking={summary.marking} />
      </div>
      <dl>
        <div><dt>{t('cases.members')}</dt><dd>{summary.members.length === 0 ? '–' : summary.members.map(name).join(language === 'ja' ? '、' : ', ')}</dd></div>
        <div><dt>{t('board.sectors')}</dt><dd>{summary.sectors.length === 0 ? '–' : sectorWords(summary.sectors, t, language)}</dd></div>
        <div><dt>{t('board.sightings')}</dt><dd>{exact(summary.sightings)}</dd></div>
        <div><dt>{t('cases.opened')}</dt><dd><Both at={summary.opened} /></dd></div>
        <div><dt>{t('cases.lastSeen')}</dt><dd><Both at={summary.last_seen} /></dd></div>
      </dl>
    </div>
  )
}

function Objects({ one }: { one: Case }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const shown = one.objects.filter((object) => object.object_type !== 'sighting')
  const sightings = one.objects.length - shown.length
  return (
    <Section title={t('cases.objects')} aside={String(shown.length)}>
      {shown.length === 0 && <p className="quiet">{t('cases.noObjects')}</p>}
      <ul>
        {shown.map((object) => (
          <li key={object.id}>
            <Link to={`/intelligence/${object.id}`} className={classes.object}>
              <span className={classes.kind}>{typeWord(object.object_type, t)} <Marking marking={object.marking} /></span>
              <span>{inLanguage(defang(object.name), language)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {sightings > 0 && <p className={classes.rest}>{t('cases.andSightings', { count: sightings, text: exact(sightings) })}</p>}
    </Section>
  )
}
