import { Button, Select, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { Section } from '../../components/page.tsx'
import { Both } from '../../components/time.tsx'
import { ActDialog } from './act.tsx'
import classes from './room.module.css'
import { useHere } from './use-room.tsx'

/** What was decided, by whom and why; the newest first. */
export function Decisions() {
  const { t } = useTranslation()
  const { room, person } = useHere()
  const [deciding, setDeciding] = useState(false)
  const decisions = room.situation.decisions.toReversed()
  return (
    <Section title={t('room.decisions')} aside={room.you.account != null && <Button size="compact-xs" variant="default" onClick={() => setDeciding(true)}>{t('room.decide')}</Button>}>
      {decisions.length === 0 ? <p className="quiet">{t('room.noDecisions')}</p> : (
        <ol className={classes.decisions}>
          {decisions.map((one) => (
            <li key={one.entry}>
              <p><strong>{one.question}</strong></p>
              <p>{one.options.map((option, place) => <span key={place} className={classes.option} data-chosen={place === one.chosen || undefined}>{place === one.chosen ? `✓ ${option}` : option}</span>)}</p>
              <p className="prose">{one.reason}</p>
              <p className="quiet">{person(one.by)} <Both at={one.at} /></p>
            </li>
          ))}
        </ol>
      )}
      {deciding && <Decide onClose={() => setDeciding(false)} />}
    </Section>
  )
}

function Decide({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [question, setQuestion] = useState('')
  const [listed, setListed] = useState('')
  const [chosen, setChosen] = useState<string | null>(null)
  const [reason, setReason] = useState('')
  const options = listed.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  const place = chosen === null ? -1 : options.indexOf(chosen)
  const complete = question.trim() !== '' && place >= 0 && reason.trim() !== ''
  return (
    <ActDialog opened onClose={onClose} title={t('room.decide')} act={t('room.decideNow')} said={t('room.decided')} entry={complete ? { says: 'decided', question: question.trim(), options, chosen: place, reason: reason.trim(), evidence: [] } : null}>
      <TextInput data-autofocus label={t('room.question')} maxLength={2000} value={question} onChange={(event) => setQuestion(event.currentTarget.value)} />
      <Textarea label={t('room.options')} autosize minRows={2} value={listed} onChange={(event) => setListed(event.currentTarget.value)} />
      <Select label={t('room.chosen')} value={chosen} onChange={setChosen} data={[...new Set(options)]} />
      <Textarea label={t('room.reason')} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
    </ActDialog>
  )
}
