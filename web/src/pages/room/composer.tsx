import { Button, Select, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { ErrorNote } from '../../components/error-note.tsx'
import { useToasts } from '../../components/toast.tsx'
import { useShortcuts } from '../../input/shortcuts.ts'
import { isComplete, labelOf, type Choice } from './audience.ts'
import { LANES } from './command.tsx'
import { FoundValues, useWishes } from './found-values.tsx'
import { LabelChoice } from './label-choice.tsx'
import classes from './room.module.css'
import { useHere, useWrite } from './use-room.tsx'

const DRAFT = 'yagura.room-draft.'

/** Writes a note: into the side room, unless somebody chooses otherwise. What is typed is kept on this device until the hub has taken it. */
export function Composer() {
  const { t } = useTranslation()
  const { room, level } = useHere()
  const { id } = room.case
  const field = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState(() => sessionStorage.getItem(DRAFT + id) ?? '')
  const [lane, setLane] = useState<string | null>(null)
  const [choice, setChoice] = useState<Choice>({ scope: 'side', tlp: level, organisations: [], stub: false })
  const keep = (value: string) => {
    setText(value)
    if (value === '') sessionStorage.removeItem(DRAFT + id)
    else sessionStorage.setItem(DRAFT + id, value)
  }
  const wishes = useWishes(text)
  const { say, fail } = useToasts()
  const linked = useMutation({
    mutationFn: wishes.link,
    onSuccess: (count) => {
      if (count > 0) say(t('room.things.linked', { count }))
    },
    onError: fail,
  })
  const write = useWrite(() => {
    linked.mutate(labelOf(choice, room.you.organisation))
    keep('')
  })
  useShortcuts({ n: () => field.current?.focus() })
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    if (text.trim() === '' || write.isPending || !isComplete(choice)) return
    write.mutate({ label: labelOf(choice, room.you.organisation), entry: { says: 'note', text: text.trim(), lane } })
  }
  return (
    <form className={classes.composer} onSubmit={submit}>
      <Textarea
        ref={field}
        aria-label={t('cases.note')}
        placeholder={t('room.placeholder')}
        autosize
        minRows={2}
        maxRows={14}
        maxLength={20000}
        value={text}
        onChange={(event) => keep(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit()
        }}
      />
      <FoundValues wishes={wishes} />
      <LabelChoice value={choice} onChange={setChoice} />
      {write.error && <ErrorNote error={write.error} />}
      <div className={classes.send}>
        <Select size="xs" w={200} clearable aria-label={t('room.laneWord')} placeholder={t('room.allLanes')} value={lane} onChange={setLane} data={LANES.map((one) => ({ value: one, label: t(`room.lane.${one}`) }))} />
        <span className="quiet">{text !== '' && t('cases.draftKept')}</span>
        <Button type="submit" size="xs" loading={write.isPending} disabled={text.trim() === '' || !isComplete(choice)}>{t(`room.write.${choice.scope}`)}</Button>
      </div>
    </form>
  )
}
