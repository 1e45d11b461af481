import { Button, Checkbox, Select, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useOrganisations } from '../../api/queries.ts'
import { nameOf } from '../../api/session.ts'
import type { RoomSays, RoomTask } from '../../api/room.ts'
import { Section } from '../../components/page.tsx'
import { Both } from '../../components/time.tsx'
import { useLanguage } from '../../i18n.ts'
import { ActDialog } from './act.tsx'
import { others } from './audience.ts'
import { LaneSelect, LANES } from './command.tsx'
import { isSame } from './people.ts'
import classes from './room.module.css'
import { useHere } from './use-room.tsx'

type Answer = 'task-accepted' | 'task-declined' | 'task-handed-back' | 'task-withdrawn'

/** What somebody can say to a task, as far as the room will take it. */
export function answers(task: RoomTask, own: boolean, from: boolean, commands: boolean): Answer[] {
  const found: Answer[] = []
  if (own && task.state === 'offered') found.push('task-accepted', 'task-declined')
  if (own && task.state === 'accepted') found.push('task-handed-back')
  if ((from || commands) && (task.state === 'offered' || task.state === 'accepted')) found.push('task-withdrawn')
  return found
}

/** Who does what until when: what is late first. */
export function Tasks() {
  const { t } = useTranslation()
  const { room } = useHere()
  const { tasks } = room.situation
  const [offering, setOffering] = useState(false)
  const open = tasks.filter((task) => task.state === 'offered' || task.state === 'accepted').length
  return (
    <Section title={t('room.tasks')} aside={<><span>{t('room.openTasks', { count: open })}</span><Button size="compact-xs" variant="default" onClick={() => setOffering(true)}>{t('room.offerTask')}</Button></>}>
      {tasks.length === 0 ? <p className="quiet">{t('room.noTasks')}</p> : <ul className={classes.tasks}>{tasks.map((task) => <li key={task.entry} data-late={(task.late && (task.state === 'offered' || task.state === 'accepted')) || undefined}><Task task={task} /></li>)}</ul>}
      {offering && <OfferTask onClose={() => setOffering(false)} />}
    </Section>
  )
}

function Task({ task }: { task: RoomTask }) {
  const { t } = useTranslation()
  const { room, organisation, person } = useHere()
  const [asking, setAsking] = useState<Answer | null>(null)
  const own = room.you.organisation
  const may = room.you.account == null ? [] : answers(task, task.to === own, task.from === own, isSame(room.situation.commander, room.you))
  return (
    <>
      <p className={classes.taskHead}><span className={classes.state} data-state={task.state}>{t(`room.state.${task.state}`)}</span><strong>{task.title}</strong>{task.late && <span className={classes.late}>{t('room.late')}</span>}</p>
      <p className="quiet">{t('room.fromTo', { from: organisation(task.from), to: organisation(task.to) })} · {t(`room.lane.${task.lane}`)}{task.legal_basis != null && ` · ${t('room.basis')}: ${task.legal_basis}`}</p>
      {task.due != null && <p className={classes.due}>{t('room.due')} <Both at={task.due} /></p>}
      {(task.by || task.answer != null || task.answer_basis != null) && (
        <p className="prose">{task.by && `${person(task.by)}: `}{task.answer}{task.answer_basis != null && ` (${t('room.basis')}: ${task.answer_basis})`}{task.done === false && ` · ${t('room.notDone')}`}</p>
      )}
      {may.length > 0 && <div className={classes.buttons}>{may.map((one) => <Button key={one} size="compact-xs" variant={one === 'task-accepted' ? 'filled' : 'default'} onClick={() => setAsking(one)}>{t(`room.answer.${one}`)}</Button>)}</div>}
      {asking && <AnswerForm task={task} answer={asking} onClose={() => setAsking(null)} />}
    </>
  )
}

function AnswerForm({ task, answer, onClose }: { task: RoomTask; answer: Answer; onClose: () => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [basis, setBasis] = useState('')
  const [done, setDone] = useState(true)
  const [said, on] = [text.trim(), basis.trim()]
  const entry = (): RoomSays | null => {
    switch (answer) {
      case 'task-accepted': return on === '' ? null : { says: answer, task: task.entry, legal_basis: on }
      case 'task-declined': return said === '' ? null : { says: answer, task: task.entry, reason: said, legal_basis: on === '' ? null : on }
      case 'task-handed-back': return said === '' ? null : { says: answer, task: task.entry, done, result: said }
      case 'task-withdrawn': return said === '' ? null : { says: answer, task: task.entry, reason: said }
    }
  }
  return (
    <ActDialog opened onClose={onClose} title={`${t(`room.answer.${answer}`)}: ${task.title}`} act={t(`room.answer.${answer}`)} said={t('room.answered')} entry={entry()}>
      {answer === 'task-handed-back' && <Checkbox label={t('room.isDone')} checked={done} onChange={(event) => setDone(event.currentTarget.checked)} />}
      {answer !== 'task-accepted' && <Textarea data-autofocus label={t(answer === 'task-handed-back' ? 'room.result' : 'room.reason')} autosize minRows={2} maxLength={2000} value={text} onChange={(event) => setText(event.currentTarget.value)} />}
      {(answer === 'task-accepted' || answer === 'task-declined') && <TextInput data-autofocus={answer === 'task-accepted' || undefined} label={t(answer === 'task-accepted' ? 'room.basisToAct' : 'room.basisNotTo')} maxLength={2000} value={basis} onChange={(event) => setBasis(event.currentTarget.value)} />}
    </ActDialog>
  )
}

function OfferTask({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { room, organisation } = useHere()
  const council = useOrganisations().data ?? []
  const [to, setTo] = useState<string | null>(null)
  const [title, setTitle] = useState('')
  const [lane, setLane] = useState<string>(LANES[0])
  const [due, setDue] = useState('')
  const [basis, setBasis] = useState('')
  const known = new Set(Object.values(room.organisations).map((one) => one.here))
  const choices = [
    ...[room.you.organisation, ...others(room)].map((name) => ({ value: name, label: organisation(name) })),
    ...council.filter((one) => !known.has(one.id)).map((one) => ({ value: one.id, label: nameOf(one, language) })),
  ]
  const at = due === '' ? null : new Date(due).toISOString()
  const entry: RoomSays | null = to === null || title.trim() === '' ? null : { says: 'task-offered', to, title: title.trim(), lane, due: at, legal_basis: basis.trim() === '' ? null : basis.trim() }
  return (
    <ActDialog opened onClose={onClose} title={t('room.offerTask')} act={t('room.offer')} said={t('room.taskOffered')} entry={entry}>
      <TextInput data-autofocus label={t('room.taskTitle')} maxLength={200} value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
      <div className={classes.pair}>
        <Select searchable label={t('room.taskTo')} value={to} onChange={setTo} data={choices} />
        <LaneSelect value={lane} onChange={setLane} />
      </div>
      <div className={classes.pair}>
        <TextInput type="datetime-local" label={t('room.dueOptional')} value={due} onChange={(event) => setDue(event.currentTarget.value)} />
        <TextInput label={t('room.basisToAsk')} maxLength={2000} value={basis} onChange={(event) => setBasis(event.currentTarget.value)} />
      </div>
    </ActDialog>
  )
}
