import { Button, Textarea } from '@mantine/core'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { Both } from '../../components/time.tsx'
import { ActDialog } from './act.tsx'
import classes from './room.module.css'
import { useReport } from './use-report.ts'
import { useHere } from './use-room.tsx'

/** Letters of a report that is given out. */
const OUT_MAX = 20_000

/** The situation report that is being written, by whoever is in the room. */
export function Report() {
  const { t } = useTranslation()
  const { room } = useHere()
  const { reports, reported } = room.situation
  const [next, setNext] = useState<number | null>(null)
  const last = Math.max(1, reports ?? 0)
  const number = next === null ? last : Math.max(next, last)
  const isOut = reported != null && reported.report === last
  return (
    <Section id="room-report" title={t('room.report.title', { number })} aside={isOut && number === last && room.you.account != null && <Button size="compact-xs" variant="default" onClick={() => setNext(last + 1)}>{t('room.report.next')}</Button>}>
      <Written key={number} number={number} begun={number <= (reports ?? 0)} />
      {reported != null && <Out />}
    </Section>
  )
}

function Written({ number, begun }: { number: number; begun: boolean }) {
  const { t } = useTranslation()
  const { room } = useHere()
  const field = useRef<HTMLTextAreaElement>(null)
  const report = useReport(number, field)
  const [giving, setGiving] = useState(false)
  return (
    <div className={classes.report}>
      <Textarea
        ref={field}
        aria-label={t('room.report.title', { number })}
        placeholder={t('room.report.placeholder')}
        autosize
        minRows={3}
        maxRows={24}
        readOnly={!report.loaded && begun}
        value={report.text}
        onChange={(event) => report.type(event.currentTarget.value)}
        onCompositionStart={() => report.compose(true)}
        onCompositionEnd={() => report.compose(false)}
      />
      {report.error && <ErrorNote error={report.error} />}
      <div className={classes.send}>
        <span className="quiet" role="status">{report.error ? t('room.report.kept') : report.unsent ? t('room.report.sending') : begun ? t('room.report.saved') : t('room.report.forAll')}</span>
        {room.you.account != null && <Button size="xs" variant="default" disabled={report.text.trim() === '' || report.unsent || report.text.length > OUT_MAX} onClick={() => setGiving(true)}>{t('room.report.giveOut')}</Button>}
      </div>
      {giving && (
        <ActDialog opened onClose={() => setGiving(false)} title={t('room.report.giveOut')} act={t('room.report.giveOutNow')} said={t('room.report.isOut')} entry={{ says: 'reported', report: number, text: report.text.trim() }}>
          <p className={`prose ${classes.quote}`}>{report.text}</p>
        </ActDialog>
      )}
    </div>
  )
}

function Out() {
  const { t } = useTranslation()
  const { room, person } = useHere()
  const { reported } = room.situation
  if (reported == null) return null
  return (
    <details className={classes.out}>
      <summary>{t('room.report.lastOut', { number: reported.report })} · {person(reported.by)} <Both at={reported.at} /></summary>
      <p className="prose">{reported.text}</p>
    </details>
  )
}
