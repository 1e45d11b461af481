import { Button, FileButton, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Printer, ShieldAlert, ShieldCheck, ShieldQuestion } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { addEvents, attach, copyPath, filePath, prefill, receiptPath, useReport, useReportCatalogue, type Report, type ReportCatalogue, type ReportFiling, type ReportSummary } from '../../api/reports.ts'
import { useSession } from '../../api/session.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { bytes } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { useCoded } from '../response/words.ts'
import { DutyTable } from './duty-table.tsx'
import { FieldInput } from './field-input.tsx'
import { amended, asked, typed, type Typed } from './fields.ts'
import { filedBy, givenTo, whose } from './receivers.ts'
import classes from './reports.module.css'
import { Thread } from './thread.tsx'
import { asLabel, useWords } from './words.ts'

/** One report: what is owed, what is known, what was filed and answered. */
export default function ReportPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const report = useReport(id)
  const catalogue = useReportCatalogue()
  const name = useOrganisationName()
  const words = useWords()
  const error = report.error ?? catalogue.error
  if (error) return <Page title={t('reporting.report')}><ErrorNote error={error} retry={() => void report.refetch()} /></Page>
  if (!report.data || !catalogue.data) return <Page title={t('reporting.report')}><Waiting /></Page>
  const { summary } = report.data
  const title = summary.title != null && summary.title !== '' ? summary.title : t(summary.own ? 'reporting.untitled' : 'reporting.givenCopy')
  const aside = <><span>{whose(summary, name, words)}</span><span>{t('reporting.version', { count: report.data.version })}</span><Ago at={summary.changed} /></>
  return (
    <Page title={title} aside={aside} actions={<Button variant="default" leftSection={<Printer size={16} aria-hidden />} onClick={() => window.print()}>{t('reporting.print')}</Button>}>
      {summary.own ? <Own report={report.data} catalogue={catalogue.data} /> : null}
      {!summary.own && report.data.files.length > 0 && <Section title={t('reporting.files')}><FileList report={report.data} /></Section>}
      <Section title={t('reporting.filings')}><Filings report={report.data} /></Section>
      <Section title={t('reporting.thread')}><Thread report={report.data} /></Section>
      {summary.own && <Section title={t('reporting.history')}><History report={report.data} /></Section>}
    </Page>
  )
}

function Own({ report, catalogue }: { report: Report; catalogue: ReportCatalogue }) {
  const { t } = useTranslation()
  const words = useWords()
  const moments = new Map(catalogue.moments.map((moment) => [moment.id, moment.label]))
  return (
    <>
      {report.findings.length > 0 && (
        <ul className={classes.findings}>{report.findings.map((finding, index) => <li key={index}>{words(finding.message)}</li>)}</ul>
      )}
      <Section title={t('reporting.clocks')} aside={<Ago at={report.as_of} />}>
        {report.duties.length === 0 ? <Empty title={t('reporting.noClocks')}>{t('reporting.noClocksHint')}</Empty> : <DutyTable duties={report.duties} />}
      </Section>
      <Section title={t('reporting.moments')}>
        <dl className={classes.facts}>
          {report.moments.map((moment) => {
            const label = moments.get(moment.moment)
            return <div key={moment.moment}><dt>{label ? asLabel(words(label)) : moment.moment}</dt><dd><Both at={moment.at} /></dd></div>
          })}
        </dl>
      </Section>
      <Section title={t('reporting.details')}><Details key={report.version} report={report} catalogue={catalogue} /></Section>
      <Section title={t('reporting.files')}><Files report={report} /></Section>
    </>
  )
}

/** Everything that the incident's kinds are asked for; what is saved is what was changed. */
function Details({ report, catalogue }: { report: Report; catalogue: ReportCatalogue }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [values, setValues] = useState<Record<string, Typed>>({})
  // Made once: sent again after a connection broke, the same change is one change.
  const [send] = useState(() => crypto.randomUUID())
  const fields = asked(catalogue.fields, report.summary.kinds)
  const stated = new Map(report.fields.map((one) => [one.field, one]))
  const done = async () => {
    say(t('reporting.saved'))
    await client.invalidateQueries({ queryKey: ['reports'] })
  }
  const change = amended(fields, report, values)
  const save = useMutation({ mutationFn: () => addEvents(report.summary.id, send, change ? [change] : []), onSuccess: done })
  const known = useMutation({ mutationFn: () => prefill(report.summary.id, crypto.randomUUID()), onSuccess: done })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  const error = save.error ?? known.error
  return (
    <form className={classes.details} onSubmit={submit}>
      {fields.map((field) => {
        const said = stated.get(field.id)
        return (
          <div key={field.id}>
            <FieldInput field={field} value={values[field.id] ?? typed(field, said?.value)} onChange={(value) => setValues({ ...values, [field.id]: value })} />
            {said && said.from !== 'person' && <span className={classes.under}>{t(`reporting.from.${said.from}`)}</span>}
          </div>
        )
      })}
      {error && <ErrorNote error={error} />}
      <div className={classes.actions}>
        <Button type="submit" loading={save.isPending} disabled={change === null}>{t('reporting.save')}</Button>
        <Button variant="default" loading={known.isPending} onClick={() => known.mutate()}>{t('reporting.prefill')}</Button>
      </div>
    </form>
  )
}

function Files({ report }: { report: Report }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const upload = useMutation({
    mutationFn: (file: File) => attach(report.summary.id, file),
    onSuccess: async ({ file, renamed }) => {
      say(t(renamed ? 'reporting.renamed' : 'reporting.attached', { name: file.name }))
      await client.invalidateQueries({ queryKey: ['reports'] })
    },
    onError: fail,
  })
  return (
    <>
      <FileList report={report} />
      <FileButton onChange={(file) => file && upload.mutate(file)}>
        {(props) => <Button {...props} variant="default" loading={upload.isPending}>{t('reporting.attach')}</Button>}
      </FileButton>
    </>
  )
}

/** The files as downloads: all of one's own report's, and those that the copies list which one was given. */
function FileList({ report }: { report: Report }) {
  const { t } = useTranslation()
  return (
    <ul className={classes.list}>
      {report.files.map((file) => (
        <li key={`${file.sha256} ${file.name}`} className={classes.item}>
          <a className="text-link" href={filePath(report.summary.id, file.sha256)} download={file.name}>{file.name}</a>
          <span className="quiet">{bytes(file.size)}</span>
          {file.active && <span className={classes.mark} data-tone="warn">{t('reporting.active')}</span>}
        </li>
      ))}
    </ul>
  )
}

function Filings({ report }: { report: Report }) {
  const { t } = useTranslation()
  if (report.filings.length === 0) return <Empty title={t('reporting.noFilings')}>{t('reporting.noFilingsHint')}</Empty>
  return <ul className={classes.list}>{report.filings.map((filing) => <li key={filing.event} className={classes.item}><Filing summary={report.summary} filing={filing} /></li>)}</ul>
}

function Filing({ summary, filing }: { summary: ReportSummary; filing: ReportFiling }) {
  const { t } = useTranslation()
  const words = useWords()
  const { id } = summary
  const to = givenTo(filing, useOrganisationName(), words)
  const by = filedBy(summary, filing)
  return (
    <>
      <strong>{words(filing.regime_name)} — {words(filing.stage_name)}</strong>
      <span>→ {words(filing.recipient_name)}</span>
      {to !== null && <span>{t('reporting.copyTo', { name: to })}</span>}
      <span className="quiet"><Both at={filing.at} /></span>
      {by !== null && <span className="quiet">{by}</span>}
      <span className={classes.parts}>
        <a className="text-link" href={copyPath(id, filing.event)} download>{t('reporting.copy')}</a>
        <a className="text-link" href={receiptPath(id, filing.event)} download>{t('reporting.receipt')}</a>
        {filing.object != null && <Link className="text-link" to={`/intelligence/${filing.object}`}>{t('reporting.carriedBy')}</Link>}
      </span>
      <code className={classes.hash}>SHA-256 {filing.copy}</code>
      {filing.receipt != null && <Receipt receipt={filing.receipt} />}
    </>
  )
}

const RECEIPT_TONES: Record<string, string> = { verified: 'good', wrong: 'bad' }

/** What the hub here found out about the receipt of a copy from another hub. */
function Receipt({ receipt }: { receipt: NonNullable<ReportFiling['receipt']> }) {
  const { t } = useTranslation()
  const coded = useCoded()
  const why = receipt.why == null ? '' : coded('receiptReasons', receipt.why, receipt.why_reason).text
  const isWrong = receipt.state === 'wrong'
  return (
    <p className={classes.receipt} data-tone={RECEIPT_TONES[receipt.state] ?? 'off'} role={isWrong ? 'alert' : undefined}>
      {isWrong ? <ShieldAlert size={15} aria-hidden /> : receipt.state === 'verified' ? <ShieldCheck size={15} aria-hidden /> : <ShieldQuestion size={15} aria-hidden />}
      <span>
        {t(`reporting.receiptStates.${receipt.state}`, { why, defaultValue: receipt.state })}
        {receipt.checked != null && <span className="quiet"> <Ago at={receipt.checked} /></span>}
      </span>
    </p>
  )
}

/** Everything that was said, oldest first; what was a mistake is withdrawn with a reason and stays. */
function History({ report }: { report: Report }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { may } = useSession()
  const [withdrawing, setWithdrawing] = useState<string | null>(null)
  return (
    <ol className={classes.list}>
      {report.events.map((event) => (
        <li key={event.id} className={classes.item} data-withdrawn={event.withdrawn || undefined}>
          <span className="quiet"><Both at={event.logged} /></span>
          <span>{t(`reporting.events.${event.what}`)}</span>
          <span>{inLanguage(event.by_name ?? event.by ?? t('reporting.node'), language)}</span>
          {event.withdrawn && <span className={classes.mark} data-tone="off">{t('reporting.withdrawn')}</span>}
          {may.includes('write-reports') && !event.withdrawn && !['filed', 'answered', 'withdrawn'].includes(event.what) && (
            <Button size="compact-xs" variant="subtle" onClick={() => setWithdrawing(event.id)}>{t('reporting.withdraw')}</Button>
          )}
          {withdrawing === event.id && <Withdraw report={report.summary.id} event={event.id} onDone={() => setWithdrawing(null)} />}
        </li>
      ))}
    </ol>
  )
}

function Withdraw({ report, event, onDone }: { report: string; event: string; onDone: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [send] = useState(() => crypto.randomUUID())
  const [reason, setReason] = useState('')
  const withdraw = useMutation({
    mutationFn: () => addEvents(report, send, [{ what: 'withdrawn', event, reason }]),
    onSuccess: async () => {
      onDone()
      await client.invalidateQueries({ queryKey: ['reports'] })
    },
  })
  return (
    <form className={classes.form} onSubmit={(submitted) => { submitted.preventDefault(); withdraw.mutate() }}>
      <Textarea label={t('reporting.reason')} required withAsterisk={false} autosize maxLength={5000} value={reason} onChange={(changed) => setReason(changed.currentTarget.value)} />
      {withdraw.error && <ErrorNote error={withdraw.error} />}
      <Button type="submit" size="xs" loading={withdraw.isPending} disabled={reason.trim() === ''}>{t('reporting.withdraw')}</Button>
    </form>
  )
}
