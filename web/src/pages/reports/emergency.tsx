import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useSearchParams } from 'react-router'

import { begin, useReportCatalogue, useReportProfile, type ReportCatalogue, type ReportField } from '../../api/reports.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page } from '../../components/page.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { localOf } from '../oversight/wanted.ts'
import { isPassing, wire, type Draft } from './drafts.ts'
import { FieldInput } from './field-input.tsx'
import { fromLocal, read, typed, type Typed } from './fields.ts'
import classes from './reports.module.css'
import { useDrafts } from './sender.ts'
import { useWords } from './words.ts'

/** The emergency report: one page, six things at most. Whatever is typed is kept in this browser until the hub has it. */
export default function EmergencyPage() {
  const { t } = useTranslation()
  const catalogue = useReportCatalogue()
  return (
    <Page title={t('reporting.begin')} aside={<span>{t('reporting.beginHint')}</span>}>
      {catalogue.error ? <ErrorNote error={catalogue.error} retry={() => void catalogue.refetch()} /> : catalogue.data ? <Emergency catalogue={catalogue.data} /> : <Waiting />}
    </Page>
  )
}

interface Written {
  id: string
  kind: string | null
  aware: string
  values: Record<string, Typed>
}

function Emergency({ catalogue }: { catalogue: ReportCatalogue }) {
  const { t } = useTranslation()
  const words = useWords()
  const navigate = useNavigate()
  const client = useQueryClient()
  const { say } = useToasts()
  const { drafts, hold, forget } = useDrafts()
  const [parameters] = useSearchParams()
  const profile = useReportProfile().data?.fields ?? {}
  const fields = catalogue.fields.filter((field) => field.emergency)
  const [written, setWritten] = useState(() => start(drafts.find(({ id }) => id === parameters.get('draft')), fields))
  const draft = (ready: boolean): Draft | null => {
    const aware = fromLocal(written.aware)
    if (written.kind === null || aware === null) return null
    const given = fields.flatMap((field) => {
      const value = read(field, written.values[field.id] ?? typed(field, profile[field.id]))
      return value === undefined || value === null ? [] : [[field.id, value] as const]
    })
    return { id: written.id, kind: written.kind, aware, fields: Object.fromEntries(given), ready }
  }
  const change = (more: Partial<Written>) => setWritten((held) => ({ ...held, ...more }))
  // What was typed outlives the page, the connection and the power.
  const [kept, setKept] = useState(false)
  const isSending = useRef(false)
  const save = () => {
    const now = isSending.current ? null : draft(false)
    if (now) hold(now)
  }
  const send = useMutation({
    // Without a connection it fails at once, and does not wait unseen for one.
    networkMode: 'always',
    mutationFn: (ready: Draft) => begin(wire(ready)),
    onSuccess: async ({ id }) => {
      forget(written.id)
      await client.invalidateQueries({ queryKey: ['reports'] })
      say(t('reporting.sent'))
      void navigate(`/reports/${id}`)
    },
    onError: (error) => {
      if (!isPassing(error)) {
        isSending.current = false
        return
      }
      // The page stays: what another one needs may not be fetched without a connection.
      setKept(true)
    },
  })
  const ready = draft(true)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!ready) return
    // Kept first: whatever comes of sending it, it is not lost, and sent twice it is one report.
    isSending.current = true
    hold(ready)
    send.mutate(ready)
  }
  if (kept) return <Kept draft={drafts.find(({ id }) => id === written.id)} />
  return (
    <form className={classes.form} onSubmit={submit} onBlur={save}>
      <Select data-autofocus label={t('reporting.kind')} required withAsterisk={false} value={written.kind} onChange={(kind) => change({ kind })} data={catalogue.kinds.map((kind) => ({ value: kind.id, label: words(kind.label) }))} />
      <TextInput type="datetime-local" label={t('reporting.aware')} description={t('reporting.awareHint')} required withAsterisk={false} value={written.aware} onChange={(event) => change({ aware: event.currentTarget.value })} />
      {fields.map((field) => (
        <FieldInput key={field.id} field={field} value={written.values[field.id] ?? typed(field, profile[field.id])} onChange={(value) => change({ values: { ...written.values, [field.id]: value } })} />
      ))}
      {send.error && !isPassing(send.error) && <ErrorNote error={send.error} />}
      <p className="quiet">{t('reporting.later')}</p>
      <Button type="submit" size="md" loading={send.isPending} disabled={!ready}>{t('reporting.send')}</Button>
    </form>
  )
}

/** What was written without a connection: it waits, until the hub has it or says why not. */
function Kept({ draft }: { draft: Draft | undefined }) {
  const { t } = useTranslation()
  return (
    <div className={classes.form} role="status">
      <p>{t(draft === undefined ? 'reporting.sent' : draft.refused === undefined ? 'reporting.keptHere' : 'reporting.draftRefused')}</p>
      {draft !== undefined && draft.refused === undefined && <p><span className={classes.mark} data-tone="unsure">{t('reporting.draftWaits')}</span></p>}
      <Link className="text-link" to="/reports">{t('places.reports')}</Link>
    </div>
  )
}

function start(draft: Draft | undefined, fields: ReportField[]): Written {
  if (!draft) return { id: crypto.randomUUID(), kind: null, aware: localOf(Date.now()), values: {} }
  const values = fields.flatMap((field) => field.id in draft.fields ? [[field.id, typed(field, draft.fields[field.id])] as const] : [])
  return { id: draft.id, kind: draft.kind, aware: localOf(Date.parse(draft.aware)), values: Object.fromEntries(values) }
}
