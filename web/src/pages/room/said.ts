import type { RoomPerson, RoomSays } from '../../api/room.ts'

/** What an entry's names and words are told with. */
export interface Teller {
  t: (key: string, places?: Record<string, unknown>) => string
  organisation: (name: string) => string
  person: (person: RoomPerson) => string
  /** What a task is called that an entry is about; nothing where it is not known here. */
  task: (entry: string) => string | undefined
}

/** What an entry says, as plain text: on paper there is nothing to open. */
export function said(says: RoomSays, { t, organisation, person, task }: Teller): string {
  const what = (places?: Record<string, unknown>) => t(`room.says.${says.says}`, places)
  const lines = (head: string, ...rest: (string | null | undefined)[]) => [head, ...rest].filter((line) => line != null && line !== '').join('\n')
  const titled = (entry: string) => [what(), task(entry)].filter((part) => part !== undefined).join(': ')
  const basis = (law: string | null | undefined) => (law == null ? null : `${t('room.basis')}: ${law}`)
  const graded = (level: number) => `${what()}: ${level} ${t(`severity.${level}`)}`
  switch (says.says) {
    case 'note': return says.text
    case 'reported': return lines(what({ number: says.report }), says.text)
    case 'mailed': return lines(`${t('room.says.mailedBrief')} ${says.from ?? t('room.mail.nobody')}: ${says.subject ?? ''}`, says.text)
    case 'invited': return what({ name: organisation(says.member) })
    case 'objects': return what({ count: says.ids?.length ?? 0 })
    case 'hand-over': return lines(what({ name: person(says.to) }), says.brief)
    case 'leads': return what({ name: person(says.person), lane: t(`room.lane.${says.lane}`) })
    case 'period': return lines(what(), says.objectives)
    case 'task-offered': return lines(`${what({ name: organisation(says.to) })}: ${says.title}`, basis(says.legal_basis))
    case 'task-accepted': return lines(titled(says.task), basis(says.legal_basis))
    case 'task-declined': return lines(titled(says.task), says.reason, basis(says.legal_basis))
    case 'task-withdrawn': return lines(titled(says.task), says.reason)
    case 'task-handed-back': return lines(says.done ? titled(says.task) : `${titled(says.task)} (${t('room.notDone')})`, says.result)
    case 'decided': return lines(`${what()}: ${says.question} → ${says.options?.[says.chosen] ?? ''}`, says.reason)
    case 'severity-proposed': return lines(graded(says.level))
    case 'severity-declared': return lines(graded(says.level), says.reason)
    case 'merged': case 'unmerged': return lines(what(), says.reason)
    default: return what()
  }
}
