import { Button, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { linkIndicators, useSimilar, type SimilarCase } from '../../api/room.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { useToasts } from '../../components/toast.tsx'
import { typeWord } from '../../components/type-word.ts'
import { defang } from '../../format/value.ts'
import { useLanguage } from '../../i18n.ts'
import { isComplete, labelOf, type Choice } from './audience.ts'
import { FoundValues, useWishes } from './found-values.tsx'
import { caseName } from './joined.tsx'
import { LabelChoice } from './label-choice.tsx'
import classes from './room.module.css'
import { useHere } from './use-room.tsx'

/** Objects that are shown of those that the room names. */
const SHOWN = 12
const IDENTIFIER = /\b[a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/giu

/** The objects that the room names, and a form that adds to them. */
export function Things() {
  const { t } = useTranslation()
  const { room } = useHere()
  const [linking, setLinking] = useState(false)
  const { objects } = room.situation
  return (
    <Section title={t('room.things.title')} aside={room.you.account != null && <Button size="compact-xs" variant="default" onClick={() => setLinking(true)}>{t('room.things.link')}</Button>}>
      {objects.length === 0 ? <p className="quiet">{t('room.things.none')}</p> : (
        <ul className={classes.joined}>
          {objects.slice(0, SHOWN).map((id) => <li key={id}><Link className="text-link" to={`/intelligence/${id}`}>{typeWord(id.split('--')[0] ?? '', t)} {id.split('--')[1]?.slice(0, 8)}…</Link></li>)}
          {objects.length > SHOWN && <li className="quiet">{t('room.things.more', { count: objects.length - SHOWN })}</li>}
        </ul>
      )}
      {linking && <LinkDialog onClose={() => setLinking(false)} />}
    </Section>
  )
}

/** Values as they are written in a mail or a report, and identifiers of objects that are here. */
function LinkDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const { room, level } = useHere()
  const { say } = useToasts()
  const [text, setText] = useState('')
  const [key] = useState(() => crypto.randomUUID())
  const [choice, setChoice] = useState<Choice>({ scope: 'room', tlp: level, organisations: [], stub: false })
  const wishes = useWishes(text.replace(IDENTIFIER, ' '))
  const objects = [...new Set(text.match(IDENTIFIER) ?? [])].map((id) => id.toLowerCase())
  const count = objects.length + wishes.chosen.size
  const send = useMutation({
    mutationFn: async () => {
      const label = labelOf(choice, room.you.organisation)
      if (objects.length > 0) await linkIndicators(room.case.id, { key, label, objects, indicators: [], observables: [] })
      await wishes.link(label)
    },
    onSuccess: () => {
      say(t('room.things.linked', { count }))
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (count > 0 && isComplete(choice)) send.mutate()
  }
  return (
    <Dialog opened onClose={onClose} title={t('room.things.link')} size="lg">
      <form className={classes.form} onSubmit={submit}>
        <Textarea data-autofocus label={t('room.things.text')} description={t('room.things.hint')} autosize minRows={3} maxRows={12} maxLength={20000} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        {objects.length > 0 && <p className="quiet">{t('room.things.identifiers', { count: objects.length })}</p>}
        <FoundValues wishes={wishes} />
        <LabelChoice value={choice} onChange={setChoice} />
        {send.error && <ErrorNote error={send.error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={send.isPending} disabled={count === 0 || !isComplete(choice)}>{t('room.things.linkNow')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Cases that have something in common with this one, as far as the reader sees both and what they have in common. */
export function Similar() {
  const { t } = useTranslation()
  const { room } = useHere()
  const similar = useSimilar(room.case.id)
  const cases = (similar.data?.cases ?? []).filter((one) => !one.joined)
  return (
    <Section title={t('room.similar.title')}>
      {similar.error ? <ErrorNote error={similar.error} retry={() => void similar.refetch()} /> : cases.length === 0 ? <p className="quiet">{t('room.similar.none')}</p> : (
        <ul className={classes.joined}>
          {cases.map((one) => <SimilarLine key={one.case.id} one={one} />)}
        </ul>
      )}
      {similar.data?.more === true && <p className="quiet">{t('room.similar.more')}</p>}
    </Section>
  )
}

function SimilarLine({ one }: { one: SimilarCase }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <li>
      <Link className="text-link" to={`/cases/${one.case.id}/room`}>{caseName(one.case, language)}</Link>
      <ul className={classes.because}>
        {one.because.slice(0, 3).map((why) => <li key={`${why.kind} ${why.name}`} className="quiet">{t(`room.similar.${why.kind}`)} {why.id == null ? defang(why.name) : <Link className="text-link" to={`/intelligence/${why.id}`}>{defang(why.name)}</Link>}</li>)}
        {one.common > 3 && <li className="quiet">{t('room.similar.others', { count: one.common - 3 })}</li>}
      </ul>
    </li>
  )
}
