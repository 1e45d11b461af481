import { Button } from '@mantine/core'
import { useState, type FormEvent, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { RoomSays } from '../../api/room.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { isComplete, labelOf, type Choice } from './audience.ts'
import { LabelChoice } from './label-choice.tsx'
import classes from './room.module.css'
import { useHere, useWrite } from './use-room.tsx'

interface Act {
  opened: boolean
  onClose: () => void
  title: string
  act: string
  /** What is said; nothing while something is missing. */
  entry: RoomSays | null
  said: string
  children: ReactNode
}

/** Asks for what an entry needs. What the room acts on is for the whole room unless somebody chooses otherwise. */
export function ActDialog({ opened, onClose, title, act, entry, said, children }: Act) {
  const { t } = useTranslation()
  const { room, level } = useHere()
  const [choice, setChoice] = useState<Choice>({ scope: 'room', tlp: level, organisations: [], stub: false })
  const write = useWrite(onClose)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (entry) write.mutate({ label: labelOf(choice, room.you.organisation), entry, said })
  }
  return (
    <Dialog opened={opened} onClose={onClose} title={title} size="lg">
      <form className={classes.form} onSubmit={submit}>
        {children}
        <LabelChoice value={choice} onChange={setChoice} />
        {write.error && <ErrorNote error={write.error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={write.isPending} disabled={entry === null || !isComplete(choice)}>{act}</Button>
        </div>
      </form>
    </Dialog>
  )
}
