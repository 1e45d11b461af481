import { Button, MultiSelect } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { sendByMail, useRecipients, type RoomLine, type RoomRecipients } from '../../api/room.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import { askedOf, choicesOf, RECIPIENTS_MAX } from './mail-out.ts'
import classes from './room.module.css'
import { Text, Words } from './says.tsx'
import { useHere, useNames } from './use-room.tsx'

const NOBODY: RoomRecipients = { persons: [], members: [], more: false, organisations: {}, people: {} }

/** Sends an entry to people who are not at the console; what has left is not called back. */
export function MailOut({ line, onClose }: { line: RoomLine; onClose: () => void }) {
  const { t } = useTranslation()
  const { room } = useHere()
  const { say } = useToasts()
  const entry = line.entry ?? ''
  const recipients = useRecipients(room.case.id, entry)
  const list = recipients.data ?? NOBODY
  const { members, persons } = choicesOf(list, useNames(list))
  const [key] = useState(() => crypto.randomUUID())
  const [chosen, setChosen] = useState<string[]>([])
  const send = useMutation({
    mutationFn: () => sendByMail(room.case.id, entry, askedOf(key, chosen)),
    onSuccess: (sent) => {
      say(t('room.mailOut.sent', { count: sent.recipients }))
      onClose()
    },
  })
  const nobody = recipients.data && members.length === 0
  return (
    <Dialog opened onClose={onClose} title={t('room.mailOut.title')} size="lg">
      <div className={classes.form}>
        {line.says && <div className={classes.excerpt} role="group" aria-label={t('room.mailOut.entry')} tabIndex={0}><p><Words says={line.says} /></p><Text says={line.says} /></div>}
        <p>{line.label && <Marking marking={{ tlp: line.label.tlp, statements: [] }} />} {t('room.mailOut.what')}</p>
        {recipients.error && <ErrorNote error={recipients.error} />}
        {nobody === true && <p>{t('room.mailOut.nobody')} <Link className="text-link" to="/me">{t('room.mailOut.giveOwn')}</Link></p>}
        {nobody !== true && <MultiSelect
          searchable
          required
          withAsterisk={false}
          nothingFoundMessage={t('common.noMatch')}
          label={t('room.mailOut.to')}
          description={t('room.mailOut.who')}
          maxValues={RECIPIENTS_MAX}
          value={chosen}
          onChange={setChosen}
          data={[{ group: t('room.mailOut.members'), items: members }, { group: t('room.mailOut.persons'), items: persons }].filter((one) => one.items.length > 0)}
        />}
        {list.more && <p className="quiet">{t('room.mailOut.more')}</p>}
        {send.error && !needsProof(send.error) && <ErrorNote error={send.error} />}
        <Prove opened={needsProof(send.error)} onClose={send.reset} onProved={() => send.mutate()} />
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button loading={send.isPending} disabled={chosen.length === 0} onClick={() => send.mutate()}>{t('room.mailOut.send')}</Button>
        </div>
      </div>
    </Dialog>
  )
}
