import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { publish, useOwnMail, type RoomLine } from '../../api/room.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { useToasts } from '../../components/toast.tsx'
import { date, time } from '../../format/time.ts'
import { isComplete, labelOf, scopeOf, type Choice } from './audience.ts'
import { LabelChoice } from './label-choice.tsx'
import { goesByMail } from './mail-out.ts'
import { MailOut } from './mail-out.tsx'
import classes from './room.module.css'
import { Text, Words } from './says.tsx'
import { useHere } from './use-room.tsx'

/** Everything that was said, the newest first, each line with whom it is for. */
export function Timeline({ lines }: { lines: RoomLine[] }) {
  const { room } = useHere()
  // A hub without a mail server has no domains that mail goes to: then nobody is offered to send any.
  const sendsMail = (useOwnMail(room.you.account != null).data?.domains ?? []).length > 0
  return (
    <ol className={classes.timeline}>
      {lines.map((line, place) => {
        const day = date(line.at, 'JST')
        const before = lines[place - 1]
        return (
          <li key={line.entry ?? line.object ?? `${line.at} ${place}`} data-kind={line.kind}>
            {(!before || date(before.at, 'JST') !== day) && <p className={classes.day}>{day}</p>}
            <Line line={line} mails={sendsMail && goesByMail(line)} />
          </li>
        )
      })}
    </ol>
  )
}

function Line({ line, mails }: { line: RoomLine; mails: boolean }) {
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
              <span className={classes.acts}>
                {own && scope !== 'room' && line.says && line.says.says !== 'published-as' && room.you.account != null && <button type="button" className={classes.link} onClick={() => setPublishing(true)}>{t('room.publish')}</button>}
                {mails && <button type="button" className={classes.link} onClick={() => setMailing(true)}>{t('room.mailOut.title')}</button>}
                {line.object != null && <Link className={classes.link} to={`/intelligence/${line.object}`}>{t('room.asObject')}</Link>}
              </span>
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
