import { Button, Select, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { answer, type Report, type ReportFiling } from '../../api/reports.ts'
import { useSession } from '../../api/session.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Ago } from '../../components/time.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './reports.module.css'
import { useWords } from './words.ts'

const ANSWERS = ['acknowledged', 'advice', 'requested'] as const

/** What was answered to what was filed, and the form for whoever may answer. */
export function Thread({ report }: { report: Report }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { may, organisation } = useSession()
  // Whoever was given a copy answers it; what was answered to one that went another way, its own organisation writes down.
  const mine = (filing: ReportFiling) => (report.summary.own ? filing.given_to == null && may.includes('write-reports') : filing.given_to === organisation.id && may.includes('answer-reports'))
  const open = report.filings.filter(mine)
  return (
    <>
      {report.thread.length === 0 && <Empty title={t('reporting.noThread')}>{t('reporting.noThreadHint')}</Empty>}
      <ol className={classes.list}>
        {report.thread.map((reply) => (
          <li key={reply.event} className={classes.item}>
            <strong>{t(`reporting.answers.${reply.answer}`)}</strong>
            <span>{inLanguage(reply.by_name ?? reply.by ?? '', language)}</span>
            <span className="quiet"><Ago at={reply.at} /></span>
            {reply.text != null && <p className={classes.text}>{reply.text}</p>}
            {reply.cases.map((one) => <Link key={one.id} className="text-link" to={`/cases/${one.id}`}>#{one.number} {one.title}</Link>)}
          </li>
        ))}
      </ol>
      {open.length > 0 && <Answer key={report.thread.length} id={report.summary.id} filings={open} />}
    </>
  )
}

function Answer({ id, filings }: { id: string; filings: ReportFiling[] }) {
  const { t } = useTranslation()
  const words = useWords()
  const client = useQueryClient()
  const [send] = useState(() => crypto.randomUUID())
  const [filing, setFiling] = useState(filings.at(-1)?.event ?? '')
  const [kind, setKind] = useState<(typeof ANSWERS)[number]>('acknowledged')
  const [text, setText] = useState('')
  const say = useMutation({
    mutationFn: () => answer(id, { send, filing, answer: kind, text: kind === 'acknowledged' ? null : text, cases: [] }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['reports'] }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    say.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <Select label={t('reporting.answered')} allowDeselect={false} value={filing} onChange={(value) => value && setFiling(value)} data={filings.map((one) => ({ value: one.event, label: `${words(one.regime_name)} — ${words(one.stage_name)} → ${words(one.recipient_name)}` }))} />
      <Select label={t('reporting.answer')} allowDeselect={false} value={kind} onChange={(value) => { const chosen = ANSWERS.find((one) => one === value); if (chosen) setKind(chosen) }} data={ANSWERS.map((one) => ({ value: one, label: t(`reporting.answers.${one}`) }))} />
      {kind !== 'acknowledged' && <Textarea label={t('reporting.text')} required withAsterisk={false} autosize minRows={2} maxLength={5000} value={text} onChange={(event) => setText(event.currentTarget.value)} />}
      {say.error && <ErrorNote error={say.error} />}
      <Button type="submit" loading={say.isPending} disabled={kind !== 'acknowledged' && text.trim() === ''}>{t('reporting.sendAnswer')}</Button>
    </form>
  )
}
