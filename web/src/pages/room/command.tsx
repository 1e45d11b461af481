import { Button, Select, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import type { RoomPerson } from '../../api/room.ts'
import { usePeople } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Section } from '../../components/page.tsx'
import { Both } from '../../components/time.tsx'
import { ActDialog } from './act.tsx'
import { isSame, peopleOf } from './people.ts'
import classes from './room.module.css'
import { useHere, useWrite } from './use-room.tsx'

export const LANES = ['asset', 'threat', 'intelligence', 'affected-entity'] as const

/** Who commands, what is to be reached in this period, and who leads which lane. */
export function Command() {
  const { t } = useTranslation()
  const { room, person, level } = useHere()
  const { situation, you } = room
  const [asking, setAsking] = useState<'hand-over' | 'period' | 'lead' | null>(null)
  const write = useWrite()
  const commands = isSame(situation.commander, you)
  const open = { tlp: level, stub: false }
  const close = () => setAsking(null)
  return (
    <Section title={t('room.command')}>
      <dl className={classes.facts}>
        <div>
          <dt>{t('room.commander')}</dt>
          <dd data-nobody={situation.commander == null || undefined}>{situation.commander ? person(situation.commander) : t('room.nobodyCommands')}</dd>
        </div>
        <div>
          <dt>{t('room.period')}</dt>
          <dd>
            {situation.period
              ? <><strong>{t('room.periodNumber', { number: situation.period.number })}</strong> <span className="prose">{situation.period.objectives}</span><span className={classes.until}>{t('room.until')} <Both at={situation.period.until} /></span></>
              : t('room.noPeriod')}
          </dd>
        </div>
      </dl>
      <ul className={classes.lanes} aria-label={t('room.lanes')}>
        {LANES.map((lane) => {
          const lead = situation.leads[lane]
          const open = situation.tasks.filter((task) => task.lane === lane && (task.state === 'offered' || task.state === 'accepted'))
          return (
            <li key={lane}>
              <strong>{t(`room.lane.${lane}`)}</strong>
              <span>{lead ? person(lead) : t('room.noLead')}</span>
              <span className="quiet">{t('room.openTasks', { count: open.length })}</span>
            </li>
          )
        })}
      </ul>
      {you.account != null && (
        <div className={classes.buttons}>
          {situation.commander == null && <Button size="xs" loading={write.isPending} onClick={() => write.mutate({ label: open, entry: { says: 'commands' }, said: t('room.youCommand') })}>{t('room.takeCommand')}</Button>}
          {commands && (['hand-over', 'period', 'lead'] as const).map((act) => <Button key={act} size="xs" variant="default" onClick={() => setAsking(act)}>{t(`room.act.${act}`)}</Button>)}
        </div>
      )}
      {asking === 'hand-over' && <HandOver onClose={close} />}
      {asking === 'period' && <PeriodForm onClose={close} />}
      {asking === 'lead' && <Lead onClose={close} />}
    </Section>
  )
}

/** An offer of command waits: at the top of the room, for everybody to see. */
export function Offer() {
  const { t } = useTranslation()
  const { room, person, level } = useHere()
  const offer = room.situation.hand_over
  const write = useWrite()
  if (!offer) return null
  return (
    <div className={classes.offer} role="status">
      <p><strong>{t('room.offered', { name: person(offer.to) })}</strong> <span className="prose">{offer.brief}</span></p>
      {isSame(offer.to, room.you) && <Button size="xs" loading={write.isPending} onClick={() => write.mutate({ label: { tlp: level, stub: false }, entry: { says: 'takes-over', hand_over: offer.entry }, said: t('room.youCommand') })}>{t('room.takeOver')}</Button>}
    </div>
  )
}

function PersonSelect({ value, onChange }: { value: string | null; onChange: (account: string | null, person: RoomPerson | null) => void }) {
  const { t } = useTranslation()
  const { room, person } = useHere()
  const listed = usePeople(useMay('administer')).data ?? []
  const inRoom = peopleOf(room)
  const known = new Set(inRoom.map((one) => one.account))
  const all: { person: RoomPerson; label: string }[] = [
    ...inRoom.map((one) => ({ person: one, label: person(one) })),
    ...listed.filter((one) => !known.has(one.id)).map((one) => ({ person: { account: one.id, organisation: one.organisation }, label: `${one.name} (${one.organisation})` })),
  ]
  return <Select searchable data-autofocus label={t('room.person')} value={value} onChange={(account) => onChange(account, all.find((one) => one.person.account === account)?.person ?? null)} data={all.map((one) => ({ value: one.person.account, label: one.label }))} />
}

function HandOver({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [to, setTo] = useState<RoomPerson | null>(null)
  const [brief, setBrief] = useState('')
  return (
    <ActDialog opened onClose={onClose} title={t('room.act.hand-over')} act={t('room.offer')} said={t('room.offerMade')} entry={to && brief.trim() !== '' ? { says: 'hand-over', to, brief: brief.trim() } : null}>
      <PersonSelect value={to?.account ?? null} onChange={(_, person) => setTo(person)} />
      <Textarea label={t('room.brief')} autosize minRows={3} maxLength={20000} value={brief} onChange={(event) => setBrief(event.currentTarget.value)} />
    </ActDialog>
  )
}

/** A moment of a local clock as an instant, and nothing where it is none. */
const instant = (local: string) => (local === '' || Number.isNaN(Date.parse(local)) ? null : new Date(local).toISOString())

function PeriodForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [now] = useState(() => new Date().toISOString())
  const [from, setFrom] = useState('')
  const [until, setUntil] = useState('')
  const [objectives, setObjectives] = useState('')
  const [first, last] = [from === '' ? now : instant(from), instant(until)]
  const complete = first !== null && last !== null && last > first && objectives.trim() !== ''
  return (
    <ActDialog opened onClose={onClose} title={t('room.act.period')} act={t('room.set')} said={t('room.periodSet')} entry={complete ? { says: 'period', from: first, until: last, objectives: objectives.trim() } : null}>
      <div className={classes.pair}>
        <TextInput type="datetime-local" label={t('room.fromNow')} value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        <TextInput type="datetime-local" label={t('room.until')} required withAsterisk={false} value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
      </div>
      <Textarea label={t('room.objectives')} autosize minRows={2} maxLength={20000} value={objectives} onChange={(event) => setObjectives(event.currentTarget.value)} />
    </ActDialog>
  )
}

function Lead({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [lane, setLane] = useState<string>(LANES[0])
  const [to, setTo] = useState<RoomPerson | null>(null)
  return (
    <ActDialog opened onClose={onClose} title={t('room.act.lead')} act={t('room.set')} said={t('room.leadSet')} entry={to ? { says: 'leads', lane, person: to } : null}>
      <LaneSelect value={lane} onChange={setLane} />
      <PersonSelect value={to?.account ?? null} onChange={(_, person) => setTo(person)} />
    </ActDialog>
  )
}

export function LaneSelect({ value, onChange }: { value: string; onChange: (lane: string) => void }) {
  const { t } = useTranslation()
  return <Select allowDeselect={false} label={t('room.laneWord')} value={value} onChange={(lane) => onChange(lane ?? LANES[0])} data={LANES.map((one) => ({ value: one, label: t(`room.lane.${one}`) }))} />
}
