import { Button } from '@mantine/core'
import { Archive, Printer } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { useRoom, type Room } from '../../api/room.ts'
import { useMay } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { LiveMark } from '../../components/live-mark.tsx'
import { Marking } from '../../components/marking.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Severity } from '../../components/severity.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { Command, Offer } from './command.tsx'
import { Composer } from './composer.tsx'
import { Decisions } from './decisions.tsx'
import { Gravity } from './gravity.tsx'
import { Joined } from './joined.tsx'
import { Present } from './presence.tsx'
import { Report } from './report.tsx'
import classes from './room.module.css'
import { Tasks } from './tasks.tsx'
import { Similar, Things } from './things.tsx'
import { Timeline } from './timeline.tsx'
import { RoomProvider, useHere } from './use-room.tsx'

/** Lines that are shown at first. */
const LINES = 200
const LINES_MAX = 5000

/** What is known, who does what, what was decided; what one may not see is not there. */
export default function RoomPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const [limit, setLimit] = useState(LINES)
  const room = useRoom(id, limit)
  if (room.error && !room.data) return <Page title={t('room.title')} above={<Above id={id} />}><ErrorNote error={room.error} retry={() => void room.refetch()} /></Page>
  if (!room.data) return <Page title={t('room.title')} above={<Above id={id} />}><Waiting lines={10} /></Page>
  return <RoomProvider room={room.data}><Loaded room={room.data} more={() => setLimit(Math.min(LINES_MAX, limit * 4))} /></RoomProvider>
}

function Above({ id, number }: { id: string; number?: number | null | undefined }) {
  const { t } = useTranslation()
  return <><Link to="/cases" className="text-link">{t('places.cases')}</Link>{number != null && <> / <Link to={`/cases/${id}`} className="text-link">#{number}</Link></>} / {t('room.title')}</>
}

function Loaded({ room, more }: { room: Room; more: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { id, number, title } = room.case
  const seesEvidence = useMay('see-evidence')
  const actions = (
    <>
      {seesEvidence && <Button component={Link} to={`/cases/${id}/evidence`} size="xs" variant="default" leftSection={<Archive size={15} aria-hidden />}>{t('evidence.evidence')}</Button>}
      <Button component={Link} to={`/cases/${id}/brief`} size="xs" variant="default" leftSection={<Printer size={15} aria-hidden />}>{t('room.shiftBrief')}</Button>
    </>
  )
  return (
    <Page title={inLanguage(title, language)} tab={`${t('room.title')} ${title}`} above={<Above id={id} number={number} />} aside={<><LiveMark /><span>{t('common.asOf')} <Ago at={room.as_of} /></span></>} actions={actions}>
      <Summary />
      <Offer />
      <div className={classes.columns}>
        <div>
          <Report />
          <Section id="room-timeline" title={t('cases.timeline')} aside={t('cases.entries', { count: room.lines })}>
            <Composer />
            {room.timeline.length === 0 && <p className="quiet">{t('room.empty')}</p>}
            <Timeline lines={room.timeline} />
            {room.lines > room.timeline.length && <Button variant="default" size="xs" onClick={more}>{t('room.older', { count: room.lines - room.timeline.length })}</Button>}
          </Section>
        </div>
        <div className={classes.board}>
          <Command />
          <Tasks />
          <Decisions />
          <Gravity />
          <Things />
          <Joined />
          <Similar />
        </div>
      </div>
    </Page>
  )
}

/** The first glance: how grave, who commands, how much is open, who is here. */
function Summary() {
  const { t } = useTranslation()
  const { room, organisation, person } = useHere()
  const { declared, proposed, commander, tasks, members } = room.situation
  const open = tasks.filter((task) => task.state === 'offered' || task.state === 'accepted')
  const late = open.filter((task) => task.late).length
  return (
    <div className={classes.summary}>
      {declared ? <Severity level={declared.level} wide /> : proposed ? <span className={classes.proposed}><Severity level={proposed.level} wide /> {t('room.onlyProposed')}</span> : <span className="quiet">{t('room.notDeclared')}</span>}
      <span data-nobody={commander == null || undefined} className={classes.commander}>{t('room.commander')}: {commander ? person(commander) : t('room.nobodyCommands')}</span>
      <span>{t('room.openTasks', { count: open.length })}{late > 0 && <strong className={classes.late}> {t('room.lateCount', { count: late })}</strong>}</span>
      <Marking marking={room.case.marking} />
      <Present />
      <span className={classes.members}>{t('room.members', { names: members.length === 0 ? '–' : members.map(organisation).join(t('room.comma')) })}</span>
    </div>
  )
}
