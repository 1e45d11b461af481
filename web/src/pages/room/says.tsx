import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import type { RoomSays } from '../../api/room.ts'
import { Severity } from '../../components/severity.tsx'
import { MailIn } from './mail-in.tsx'
import { useHere } from './use-room.tsx'

/** What an entry is, in a few words. */
export function Words({ says }: { says: RoomSays }) {
  const { t } = useTranslation()
  const { organisation, person, room } = useHere()
  const task = 'task' in says ? room.situation.tasks.find((one) => one.entry === says.task)?.title : undefined
  switch (says.says) {
    case 'note': return <strong>{t('room.says.note')}{says.lane != null && ` · ${t(`room.lane.${says.lane}`)}`}</strong>
    case 'reported': return <strong>{t('room.says.reported', { number: says.report })}</strong>
    case 'mailed': return <strong>{t('room.says.mailed', { from: says.from ?? t('room.mail.nobody') })}</strong>
    case 'invited': return <strong>{t('room.says.invited', { name: organisation(says.member) })}</strong>
    case 'objects': return <strong>{t('room.says.objects', { count: says.ids?.length ?? 0 })}</strong>
    case 'hand-over': return <strong>{t('room.says.hand-over', { name: person(says.to) })}</strong>
    case 'leads': return <strong>{t('room.says.leads', { name: person(says.person), lane: t(`room.lane.${says.lane}`) })}</strong>
    case 'task-offered': return <strong>{t('room.says.task-offered', { name: organisation(says.to) })}</strong>
    case 'severity-proposed': case 'severity-declared': return <strong>{t(`room.says.${says.says}`)} <Severity level={says.level} /></strong>
    case 'merged': return <strong>{t('room.says.merged')} <Link className="text-link" to={`/cases/${says.other}/room`}>{room.joined.find((one) => one.id === says.other)?.title ?? says.other.slice(0, 18)}</Link></strong>
    default: return <strong>{t(`room.says.${says.says}`)}{task !== undefined && `: ${task}`}</strong>
  }
}

/** What an entry says. */
export function Text({ says }: { says: RoomSays }) {
  const { t } = useTranslation()
  switch (says.says) {
    case 'note': case 'reported': return <p className="prose">{says.text}</p>
    case 'mailed': return <MailIn says={says} />
    case 'hand-over': return <p className="prose">{says.brief}</p>
    case 'period': return <p className="prose">{says.objectives}</p>
    case 'task-offered': return <p className="prose">{says.title}{says.legal_basis != null && ` (${t('room.basis')}: ${says.legal_basis})`}</p>
    case 'task-accepted': return <p className="prose">{t('room.basis')}: {says.legal_basis}</p>
    case 'task-handed-back': return <p className="prose">{says.result}</p>
    case 'decided': return <p className="prose">{says.question} → {says.options?.[says.chosen]}{'\n'}{says.reason}</p>
    case 'task-declined': case 'task-withdrawn': case 'severity-declared': case 'merged': case 'unmerged': return <p className="prose">{says.reason}</p>
    default: return null
  }
}
