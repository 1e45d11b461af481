import { Button, MultiSelect, Select, Switch, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import { answerQuestion, ask, closeQuestion, useQuestions, type Question } from '../../api/sharing.ts'
import { Count } from '../../components/count.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import { SECTORS } from '../administration/vocabulary.ts'
import { tlpOptions } from './dialogs.tsx'
import classes from './sharing.module.css'

/** Questions to the council, and the answers that we may see. */
export function Questions() {
  const { t } = useTranslation()
  const { may } = useSession()
  const [closed, setClosed] = useState(false)
  const [asking, setAsking] = useState(false)
  const [answering, setAnswering] = useState<Question | null>(null)
  const questions = useQuestions(closed)
  if (questions.error) return <ErrorNote error={questions.error} retry={() => void questions.refetch()} />
  return (
    <>
      <div className={classes.bar}>
        {questions.data && <Count count={questions.data.questions.length} updated={questions.dataUpdatedAt} />}
        <Switch size="xs" label={t('sharing.closedOnes')} checked={closed} onChange={(event) => setClosed(event.currentTarget.checked)} />
        {may.includes('ask-questions') && <Button size="xs" onClick={() => setAsking(true)}>{t('sharing.ask')}</Button>}
      </div>
      {!questions.data ? <Waiting /> : questions.data.questions.length === 0 ? <Empty title={t('sharing.noQuestions')}>{t('sharing.noQuestionsHint')}</Empty> : (
        <ol className={classes.list}>{questions.data.questions.map((question) => <li key={question.id} className={classes.item}><Row question={question} onAnswer={() => setAnswering(question)} /></li>)}</ol>
      )}
      <Dialog opened={asking} onClose={() => setAsking(false)} title={t('sharing.ask')}><AskForm onDone={() => setAsking(false)} /></Dialog>
      {answering && <AnswerDialog question={answering} onClose={() => setAnswering(null)} />}
    </>
  )
}

function Row({ question, onAnswer }: { question: Question; onAnswer: () => void }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const client = useQueryClient()
  const { fail } = useToasts()
  const { may } = useSession()
  const close = useMutation({ mutationFn: () => closeQuestion(question.id), onSuccess: () => client.invalidateQueries({ queryKey: ['questions'] }), onError: fail })
  const open = question.state !== 'closed' && may.includes('ask-questions')
  return (
    <>
      <div className={classes.head}>
        <strong>{question.title}</strong>
        <Marking marking={question.marking} />
        <span>{name(question.asker)}</span>
        <span className="quiet">{t(`questions.${question.state}`)}</span>
        <span className="quiet"><Ago at={question.at} /></span>
        {question.due != null && <span className="quiet">{t('sharing.due')}: <Both at={question.due} /></span>}
      </div>
      <p className={classes.text}>{question.text}</p>
      {question.addressed.length > 0 && <p className="quiet">{t('sharing.addressed')}: {question.addressed.map(name).join(' · ')}</p>}
      {question.answers.map((answer) => (
        <div key={answer.id} className={classes.answer}>
          <div className={classes.head}><span>{name(answer.organisation)}</span><Marking marking={answer.marking} /><span className="quiet"><Ago at={answer.at} /></span></div>
          <p className={classes.text}>{answer.text}</p>
        </div>
      ))}
      {open && (
        <div className={classes.actions}>
          <Button size="xs" variant="default" onClick={onAnswer}>{t('sharing.answer')}</Button>
          {question.own && <Button size="xs" variant="default" loading={close.isPending} onClick={() => close.mutate()}>{t('sharing.closeQuestion')}</Button>}
        </div>
      )}
    </>
  )
}

function AskForm({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const client = useQueryClient()
  const organisations = useOrganisations().data ?? []
  const [wanted, setWanted] = useState({ title: '', text: '', tlp: 'amber', organisations: [] as string[], sectors: [] as string[], objects: [] as string[] })
  const send = useMutation({
    mutationFn: () => ask(wanted),
    onSuccess: async () => {
      onDone()
      await client.invalidateQueries({ queryKey: ['questions'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput label={t('sharing.questionTitle')} required withAsterisk={false} maxLength={300} value={wanted.title} onChange={(event) => setWanted({ ...wanted, title: event.currentTarget.value })} />
      <Textarea label={t('sharing.questionText')} required withAsterisk={false} autosize minRows={3} value={wanted.text} onChange={(event) => setWanted({ ...wanted, text: event.currentTarget.value })} />
      <Select label={t('sharing.level')} allowDeselect={false} value={wanted.tlp} onChange={(tlp) => tlp && setWanted({ ...wanted, tlp })} data={tlpOptions()} />
      <MultiSelect label={t('sharing.addressed')} description={t('sharing.addressedHint')} searchable value={wanted.organisations} onChange={(list) => setWanted({ ...wanted, organisations: list })} data={organisations.map((one) => ({ value: one.id, label: nameOf(one, language) }))} />
      <MultiSelect label={t('sharing.sectors')} searchable value={wanted.sectors} onChange={(list) => setWanted({ ...wanted, sectors: list })} data={SECTORS.map((sector) => ({ value: sector, label: t(`sectors.${sector}`) }))} />
      {send.error && <ErrorNote error={send.error} />}
      <Button type="submit" loading={send.isPending} disabled={wanted.title.trim() === '' || wanted.text.trim() === ''}>{t('sharing.ask')}</Button>
    </form>
  )
}

function AnswerDialog({ question, onClose }: { question: Question; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [text, setText] = useState('')
  const [tlp, setTlp] = useState('amber')
  const send = useMutation({
    mutationFn: () => answerQuestion(question.id, text, tlp),
    onSuccess: async () => {
      onClose()
      await client.invalidateQueries({ queryKey: ['questions'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send.mutate()
  }
  return (
    <Dialog opened onClose={onClose} title={question.title}>
      <form className={classes.form} onSubmit={submit}>
        <p className={classes.text}>{question.text}</p>
        <Textarea label={t('sharing.answer')} required withAsterisk={false} autosize minRows={3} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Select label={t('sharing.level')} description={t('sharing.answerLevelHint')} allowDeselect={false} value={tlp} onChange={(value) => value && setTlp(value)} data={tlpOptions()} />
        {send.error && <ErrorNote error={send.error} />}
        <Button type="submit" loading={send.isPending} disabled={text.trim() === ''}>{t('sharing.answer')}</Button>
      </form>
    </Dialog>
  )
}
