import { Button, Select, Switch, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Printer } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useParams } from 'react-router'

import { addEvents, file, useReportForm, useReportReceivers, type ReportForm } from '../../api/reports.ts'
import { useSession } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page, Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { fromLocal } from './fields.ts'
import { receiverGroups } from './receivers.ts'
import classes from './reports.module.css'
import { asLabel, useWords } from './words.ts'

/** A form as it would be filed now: to be read, printed, and filed. */
export default function FormPage() {
  const { t } = useTranslation()
  const words = useWords()
  const { may } = useSession()
  const { id = '', regime = '', stage = '', recipient = '' } = useParams()
  const form = useReportForm(id, [regime, stage, recipient])
  const above = <Link className="text-link" to={`/reports/${id}`}>{t('reporting.report')}</Link>
  if (form.error) return <Page title={t('reporting.form')} above={above}><ErrorNote error={form.error} retry={() => void form.refetch()} /></Page>
  if (!form.data) return <Page title={t('reporting.form')} above={above}><Waiting /></Page>
  const shown = form.data
  const title = `${words(shown.regime_name)} — ${words(shown.name)}`
  return (
    <Page title={title} above={above} aside={<><span>→ {words(shown.recipient_name)}</span><span>{t('reporting.version', { count: shown.version })}</span><Ago at={shown.as_of} /></>}
      actions={<Button variant="default" leftSection={<Printer size={16} aria-hidden />} onClick={() => window.print()}>{t('reporting.print')}</Button>}>
      {shown.verified !== 'law' && <p className={classes.mark} data-tone="unsure">{t('reporting.formUncertain')}: {t(`reporting.doubts.${shown.verified}`)}</p>}
      <Lines form={shown} />
      {shown.left_out.length > 0 && <Consent key={shown.left_out.length} id={id} form={shown} />}
      {may.includes('file-reports') ? <Section title={t('reporting.file')}><Filing key={shown.version} id={id} form={shown} /></Section> : <p className="quiet">{t('reporting.notYours')}</p>}
    </Page>
  )
}

function Lines({ form }: { form: ReportForm }) {
  const { t } = useTranslation()
  const words = useWords()
  return (
    <div className={classes.wrap}>
      <table className={classes.table}>
        <tbody>
          {form.lines.map((line) => (
            <tr key={line.field}>
              <th scope="row">{asLabel(words(line.label))}{line.required && <span className={classes.under}>{t('reporting.required')}</span>}</th>
              <td>
                <span className={classes.text}>{words(line.shown)}</span>{' '}
                {line.mark != null && <span className={classes.mark} data-tone={line.required ? 'warn' : 'unsure'}>{t(`reporting.marks.${line.mark}`)}</span>}
                {line.from != null && line.from !== 'person' && <span className={classes.under}>{t(`reporting.from.${line.from}`)}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What the recipient is not given, and the consent that would give it. */
function Consent({ id, form }: { id: string; form: ReportForm }) {
  const { t } = useTranslation()
  const words = useWords()
  const client = useQueryClient()
  const { may } = useSession()
  const [send] = useState(() => crypto.randomUUID())
  const [chosen, setChosen] = useState<string[]>([])
  const consent = useMutation({
    mutationFn: () => addEvents(id, send, [{ what: 'consent', regime: form.regime, recipient: form.recipient, fields: chosen, given: true }]),
    onSuccess: () => client.invalidateQueries({ queryKey: ['reports'] }),
  })
  return (
    <Section title={t('reporting.leftOut')}>
      <p className="quiet">{t('reporting.leftOutHint')}</p>
      <ul className={classes.list}>
        {form.left_out.map((left) => (
          <li key={left.id} className={classes.item}>
            <Switch label={asLabel(words(left.label))} disabled={!may.includes('file-reports')} checked={chosen.includes(left.id)} onChange={(event) => setChosen(event.currentTarget.checked ? [...chosen, left.id] : chosen.filter((one) => one !== left.id))} />
          </li>
        ))}
      </ul>
      {consent.error && <ErrorNote error={consent.error} />}
      <Button variant="default" disabled={chosen.length === 0} loading={consent.isPending} onClick={() => consent.mutate()}>{t('reporting.consent')}</Button>
    </Section>
  )
}

function Filing({ id, form }: { id: string; form: ReportForm }) {
  const { t } = useTranslation()
  const words = useWords()
  const navigate = useNavigate()
  const client = useQueryClient()
  const { say } = useToasts()
  const receivers = useReportReceivers()
  const groups = receiverGroups(receivers.data, t('reporting.thisCouncil'), words)
  // Made once: filed again after a connection broke, it is filed once.
  const [send] = useState(() => crypto.randomUUID())
  const [to, setTo] = useState<string | null>(null)
  const [left, setLeft] = useState('')
  const filing = useMutation({
    mutationFn: () => file(id, { send, regime: form.regime, stage: form.stage, recipient: form.recipient, version: form.version, given_to: to, at: fromLocal(left) }),
    onSuccess: async () => {
      say(t('reporting.filed'))
      await client.invalidateQueries({ queryKey: ['reports'] })
      void navigate(`/reports/${id}`)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    filing.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      {form.channel != null && <p>{t('reporting.channel')}: {words(form.channel)}</p>}
      {receivers.data && groups.length === 0 ? <p className="quiet">{t('reporting.noReceivers')} <Link className="text-link" to="/sharing/agreements">{t('sharing.agreements')}</Link></p>
        : <Select label={t('reporting.givenTo')} description={t('reporting.givenToHint')} clearable searchable nothingFoundMessage={t('common.noMatch')} value={to} onChange={setTo} data={groups} />}
      {receivers.error && <ErrorNote error={receivers.error} retry={() => void receivers.refetch()} />}
      {to === null && <TextInput type="datetime-local" label={t('reporting.leftAt')} description={t('reporting.leftAtHint')} value={left} onChange={(event) => setLeft(event.currentTarget.value)} />}
      {!form.complete && <p className={classes.mark} data-tone="warn">{t('reporting.incomplete')}</p>}
      {needsProof(filing.error) ? <Prove opened onClose={filing.reset} onProved={() => filing.mutate()} /> : filing.error && <ErrorNote error={filing.error} />}
      <Button type="submit" loading={filing.isPending} disabled={form.lines.length === 0}>{t(to === null ? 'reporting.fileElsewhere' : 'reporting.fileHere')}</Button>
    </form>
  )
}
