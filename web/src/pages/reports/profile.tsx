import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { declare, useReportCatalogue, useReportProfile, type ReportField, type ReportProfile } from '../../api/reports.ts'
import { useSession } from '../../api/session.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page } from '../../components/page.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { FieldInput } from './field-input.tsx'
import { read, typed, type Typed } from './fields.ts'
import classes from './reports.module.css'

/** What an organisation declares in peacetime: it stands in every form from then on, and decides which laws may apply. */
export default function ProfilePage() {
  const { t } = useTranslation()
  const catalogue = useReportCatalogue()
  const profile = useReportProfile()
  const error = catalogue.error ?? profile.error
  return (
    <Page title={t('reporting.profile')} aside={<span>{t('reporting.profileHint')}</span>}>
      {error ? <ErrorNote error={error} /> : catalogue.data && profile.data ? <Profile fields={catalogue.data.fields.filter((field) => field.profile)} profile={profile.data} /> : <Waiting />}
    </Page>
  )
}

function Profile({ fields, profile }: { fields: ReportField[]; profile: ReportProfile }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const { may } = useSession()
  const [values, setValues] = useState<Record<string, Typed>>({})
  const now = (field: ReportField) => values[field.id] ?? typed(field, profile.fields[field.id])
  const save = useMutation({
    mutationFn: declare,
    onSuccess: async () => {
      say(t('reporting.declared'))
      await client.invalidateQueries({ queryKey: ['reports'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const given = fields.flatMap((field) => {
      const value = read(field, now(field))
      return value === undefined || value === null ? [] : [[field.id, value] as const]
    })
    save.mutate({ fields: Object.fromEntries(given) })
  }
  const unreadable = fields.some((field) => read(field, now(field)) === null)
  return (
    <form className={classes.form} onSubmit={submit}>
      {fields.map((field) => <FieldInput key={field.id} field={field} value={now(field)} onChange={(value) => setValues({ ...values, [field.id]: value })} />)}
      {save.error && <ErrorNote error={save.error} />}
      {may.includes('file-reports') ? <Button type="submit" loading={save.isPending} disabled={unreadable}>{t('reporting.declare')}</Button> : <p className="quiet">{t('reporting.notYours')}</p>}
    </form>
  )
}
