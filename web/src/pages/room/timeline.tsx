import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { publish, type RoomLine, type RoomSays } from '../../api/room.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { Severity } from '../../components/severity.tsx'
import { useToasts } from '../../components/toast.tsx'
import { bytes } from '../../format/number.ts'
import { date, time } from '../../format/time.ts'
import { isComplete, labelOf, scopeOf, type Choice } from './audience.ts'
import { LabelChoice } from './label-choice.tsx'
import { goesByMail } from './mail-out.ts'
import { MailOut } from './mail-out.tsx'
import classes from './room.module.css'
import { useHere } from './use-room.tsx'

/** Everything that was said, the newest first, each line with whom it is for. */
export function Timeline({ lines }: { lines: RoomLine[] }) {
  return (
    <ol className={classes.timeline}>
      {lines.map((line, place) => {
        const day = date(line.at, 'JST')
        const before = lines[place - 1]
        return (
          <li key={line.entry ?? line.object ?? `${line.at} ${place}`} data-kind={line.kind}>
            {(!before || date(before.at, 'JST') !== day) && <p className={classes.day}>{day}</p>}
            <Line line={line} />
          </li>
        )
      })}
    </ol>
  )
}

function Line({ line }: { line: RoomLine }) {
  const { t } = useTranslation()
  const { room, organisation, account } = useHere()
  const [publishing, setPublishing] = useState(false)
  const [mailing, setMailing] = useState(false)
  const own = line.organisation === room.you.organisation
  const scope = line.label ? scopeOf(line.label, room.you.organisation) : null
  const whose = line.organisation == null ? '' : organisation(line.organisation)
  return (
    <div className={classes.entry} data-scope={scope ?? undefined}>
      <time dateTime={line.at} className={classes.moment}>
        <span>{time(line.at, 'JST')} <small>JST</small></span>
        <span className="quiet">{time(line.at, 'UTC')} <small>UTC</small></span>
      </time>
      <div className={classes.event}>
        {line.kind === 'stub' ? <p className="quiet">{t('room.stub', { name: whose })}</p>
          : line.kind === 'unknown' ? <><p className="quiet">{t('room.unknown')}</p><p className="prose">{line.text}</p></>
          : <>
            <p className={classes.head}>
              {line.says && <Words says={line.says} />}
              <span className="quiet">{line.by == null ? t('room.system') : account(line.by)} · {whose}</span>
              {line.ignored != null && <span className={classes.late}>{t(`room.ignored.${line.ignored}`, { defaultValue: line.ignored })}</span>}
            </p>
            {line.says && <Text says={line.says} />}
            <p className={classes.seen}>
              {line.label && <Marking marking={{ tlp: line.label.tlp, statements: [] }} />}
              <SeenBy line={line} />
              {own && scope !== 'room' && line.says && line.says.says !== 'published-as' && room.you.account != null && <button type="button" className={classes.link} onClick={() => setPublishing(true)}>{t('room.publish')}</button>}
              {room.you.account != null && goesByMail(line) && <button type="button" className={classes.link} onClick={() => setMailing(true)}>{t('room.mailOut.title')}</button>}
              {line.object != null && <Link className={classes.link} to={`/intelligence/${line.object}`}>{t('room.asObject')}</Link>}
            </p>
          </>}
      </div>
      {publishing && <Publish line={line} onClose={() => setPublishing(false)} />}
      {mailing && <MailOut line={line} onClose={() => setMailing(false)} />}
    </div>
  )
}

/** Who sees an entry, in words. */
function SeenBy({ line }: { line: RoomLine }) {
  const { t } = useTranslation()
  const { room, organisation } = useHere()
  if (!line.label) return null
  const scope = scopeOf(line.label, room.you.organisation)
  if (scope === 'side') return <span className={classes.scope}>{t('room.scope.side')}</span>
  if (line.label.only) return <span>{t('room.seenBySome', { names: line.label.only.map(organisation).join(t('room.comma')) })}{line.label.stub && ` · ${t('room.withStub')}`}</span>
  const roles = room.audiences[line.label.tlp] ?? []
  return <span>{t('room.seenByShort', { roles: roles.map((role) => t(`audience.${role}`, { defaultValue: role })).join(t('room.comma')) || organisation(line.organisation ?? '') })}</span>
}

function Words({ says }: { says: RoomSays }) {
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

function Text({ says }: { says: RoomSays }) {
  const { t } = useTranslation()
  switch (says.says) {
    case 'note': case 'reported': return <p className="prose">{says.text}</p>
    case 'mailed': return <Mail says={says} />
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

/** A mail as it was handed in: its words as text and nothing else, and what it claims as its claim. */
function Mail({ says }: { says: Extract<RoomSays, { says: 'mailed' }> }) {
  const { t } = useTranslation()
  const parts = says.attachments ?? []
  return (
    <>
      <p className="quiet">{t('room.mail.claims', { subject: says.subject ?? '', at: says.sent == null ? t('room.mail.unknown') : `${date(says.sent, 'JST')} ${time(says.sent, 'JST')} JST` })}</p>
      <p className="prose">{says.text ?? t('room.mail.noText')}{says.cut === true && ` … ${t('room.mail.cut')}`}</p>
      {parts.length > 0 && (
        <details>
          <summary>{t('room.mail.parts', { count: parts.length })}</summary>
          <ul>
            {parts.map((part, place) => <li key={place}><span className="mono">{part.name ?? ''} {part.media_type} {bytes(part.bytes)} SHA-256 {part.sha256}</span></li>)}
          </ul>
        </details>
      )}
      <p className="quiet"><span className="mono">{says.message_id != null && `Message-ID ${says.message_id} · `}SHA-256 {says.sha256}</span></p>
    </>
  )
}

/** Publishing is an act of its own: what is published does not name where it came from. */
function Publish({ line, onClose }: { line: RoomLine; onClose: () => void }) {
  const { t } = useTranslation()
  const { room, level } = useHere()
  const client = useQueryClient()
  const { say } = useToasts()
  const [key] = useState(() => crypto.randomUUID())
  const [choice, setChoice] = useState<Choice>({ scope: 'room', tlp: line.label?.tlp ?? level, organisations: [], stub: false })
  const send = useMutation({
    mutationFn: () => publish(room.case.id, line.entry ?? '', { key, label: labelOf(choice, room.you.organisation) }),
    onSuccess: async () => {
      say(t('room.published'))
      onClose()
      await client.invalidateQueries({ queryKey: ['room'] })
    },
  })
  return (
    <Dialog opened onClose={onClose} title={t('room.publish')} size="lg">
      <div className={classes.form}>
        {line.says && <div className={classes.quote}><Words says={line.says} /><Text says={line.says} /></div>}
        <LabelChoice value={choice} onChange={setChoice} />
        {send.error && <ErrorNote error={send.error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button loading={send.isPending} disabled={choice.scope === 'side' || !isComplete(choice)} onClick={() => send.mutate()}>{t('room.publishNow')}</Button>
        </div>
      </div>
    </Dialog>
  )
}
