import { Button, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { isOver, reconcile, taskDone, taskFailed, type Run, type RunDispatch, type RunFound, type RunTask } from '../../api/response.ts'
import { useMay } from '../../api/session.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Mark } from './mark.tsx'
import classes from './response.module.css'
import { VariableInput } from './start.tsx'
import { read, shown } from './values.ts'
import { useCommandHeadline, useSaid } from './words.ts'

/** What people are to do, each with what it gives back. */
export function Tasks({ run, tasks }: { run: Run; tasks: RunTask[] }) {
  return <ul className={classes.list}>{tasks.map((task) => <li key={task.key}><Task run={run} task={task} /></li>)}</ul>
}

function useChange(run: Run, said: string, onDone: () => void) {
  const client = useQueryClient()
  const { say } = useToasts()
  return useMutation({
    mutationFn: (send: () => Promise<Run>) => send(),
    onSuccess: (changed) => {
      client.setQueryData(['runs', 'one', run.summary.id], changed)
      void client.invalidateQueries({ queryKey: ['runs'] })
      say(said)
      onDone()
    },
    onError: () => void client.invalidateQueries({ queryKey: ['runs', 'one', run.summary.id] }),
  })
}

function Task({ run, task }: { run: Run; task: RunTask }) {
  const { t } = useTranslation()
  const said = useSaid()
  const mayDo = useMay('run-playbooks')
  const [doing, setDoing] = useState<'done' | 'failed' | null>(null)
  const isOpen = !isOver(run.summary.state) && (task.state === 'open' || task.state === 'unknown')
  return (
    <article className={classes.task} data-over={!isOpen || undefined}>
      <div className={classes.head}>
        <h3>{task.step_name == null ? task.step : said(task.step_name)}</h3>
        {!isOpen && <Mark tone={task.state === 'done' ? 'good' : task.state === 'failed' ? 'bad' : 'off'} word={t(`response.taskStates.${task.state}`, { defaultValue: task.state })} />}
        <span className="quiet">{said(task.agent)}</span>
      </div>
      <p className={classes.text}>{said(task.text)}</p>
      {isOpen && mayDo && (
        <div className={classes.acts}>
          <Button size="xs" onClick={() => setDoing('done')}>{t('response.taskDone')}</Button>
          <Button size="xs" variant="default" onClick={() => setDoing('failed')}>{t('response.taskFailed')}</Button>
        </div>
      )}
      {doing === 'done' && <Done run={run} task={task} onClose={() => setDoing(null)} />}
      {doing === 'failed' && <Failed run={run} task={task} onClose={() => setDoing(null)} />}
    </article>
  )
}

interface TaskProps {
  run: Run
  task: RunTask
  onClose: () => void
}

function Done({ run, task, onClose }: TaskProps) {
  const { t } = useTranslation()
  const said = useSaid()
  const [typed, setTyped] = useState<Record<string, string>>(() => Object.fromEntries(task.gives.map(({ name, value }) => [name, shown(value)])))
  const change = useChange(run, t('response.taskIsDone'), onClose)
  const values = task.gives.map((variable) => ({ variable, value: read(variable.kind, typed[variable.name] ?? '') }))
  const send = () => change.mutate(() => taskDone(run.summary.id, task.key, Object.fromEntries(values.flatMap(({ variable, value }) => ('value' in value ? [[variable.name, value.value]] : [])))))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send()
  }
  if (needsProof(change.error)) return <Prove opened onClose={change.reset} onProved={send} />
  return (
    <Dialog opened onClose={onClose} title={t('response.taskDone')}>
      <form className={classes.form} onSubmit={submit}>
        <p className={classes.text}>{said(task.text)}</p>
        {task.gives.map((variable) => <VariableInput key={variable.name} variable={variable} text={typed[variable.name] ?? ''} onChange={(text) => setTyped({ ...typed, [variable.name]: text })} />)}
        {change.error && <ErrorNote error={change.error} />}
        <div className={classes.acts}>
          <Button type="submit" data-autofocus loading={change.isPending} disabled={values.some(({ value }) => 'fault' in value && value.fault !== 'empty')}>{t('response.taskDone')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

function Failed({ run, task, onClose }: TaskProps) {
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  const change = useChange(run, t('response.taskIsFailed'), onClose)
  const send = () => change.mutate(() => taskFailed(run.summary.id, task.key, reason.trim()))
  if (needsProof(change.error)) return <Prove opened onClose={change.reset} onProved={send} />
  return (
    <Dialog opened onClose={onClose} title={t('response.taskFailed')}>
      <form className={classes.form} onSubmit={(event) => { event.preventDefault(); send() }}>
        <Textarea data-autofocus label={t('response.reason')} required withAsterisk={false} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {change.error && <ErrorNote error={change.error} />}
        <div className={classes.acts}>
          <Button type="submit" loading={change.isPending} disabled={reason.trim() === ''}>{t('response.taskFailed')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

/** A command of which nobody knows what became: a person finds out and says so, and the run goes on. */
export function Unknown({ run, dispatch }: { run: Run; dispatch: RunDispatch }) {
  const { t } = useTranslation()
  const headline = useCommandHeadline()
  const mayDo = useMay('run-playbooks')
  const [reason, setReason] = useState('')
  const change = useChange(run, t('response.foundSaid'), () => setReason(''))
  const [last, setLast] = useState<RunFound | null>(null)
  const send = (what: RunFound) => {
    setLast(what)
    change.mutate(() => reconcile(run.summary.id, dispatch.command.key, what))
  }
  if (needsProof(change.error) && last !== null) return <Prove opened onClose={change.reset} onProved={() => send(last)} />
  return (
    <article className={classes.task}>
      <div className={classes.head}><h3>{headline(dispatch.command)}</h3><Mark tone="warn" word={t('response.dispatches.unknown')} /></div>
      <p className={classes.text}>{t('response.unknownHint')}</p>
      {mayDo && (
        <>
          <Textarea size="xs" label={t('response.reasonFailed')} autosize minRows={1} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          <div className={classes.acts}>
            <Button size="xs" variant="default" loading={change.isPending} onClick={() => send({ found: 'happened', values: {} })}>{t('response.happened')}</Button>
            <Button size="xs" variant="default" loading={change.isPending} onClick={() => send({ found: 'not_happened' })}>{t('response.notHappened')}</Button>
            <Button size="xs" variant="default" loading={change.isPending} disabled={reason.trim() === ''} onClick={() => send({ found: 'failed', reason: reason.trim() })}>{t('response.neverKnown')}</Button>
          </div>
        </>
      )}
      {change.error && <ErrorNote error={change.error} />}
    </article>
  )
}
