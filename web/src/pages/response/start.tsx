import { Autocomplete, Button, Checkbox, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useSearchParams } from 'react-router'

import { useCases, useEdges } from '../../api/queries.ts'
import { startRun, type Playbook, type PlaybookVariable, type RunVariable } from '../../api/response.ts'
import { useMay } from '../../api/session.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './response.module.css'
import { isCompound, read, shown } from './values.ts'
import { useSaid } from './words.ts'

/** The variable that our playbooks keep the case in. */
const CASE = '__case__'

/** Has a playbook run: for which case, and with what. Whoever asks never approves. */
export function Start({ playbook, onClose }: { playbook: Playbook; onClose: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [parameters] = useSearchParams()
  const mayWork = useMay('work-cases')
  const cases = useCases('open', mayWork).data?.cases ?? []
  const asked = playbook.variables.filter(({ external, constant }) => external && !constant)
  // Made once: sent again after a connection broke, it is the same run.
  const [id] = useState(() => crypto.randomUUID())
  const [chosen, setChosen] = useState(parameters.get('case'))
  const [isDry, setIsDry] = useState(false)
  const [typed, setTyped] = useState<Record<string, string>>(() => Object.fromEntries(asked.map(({ name, value }) => [name, shown(value)])))
  const held = (name: string) => (name === CASE && chosen !== null ? chosen : typed[name] ?? '')
  const values = asked.map((variable) => ({ variable, value: read(variable.kind, held(variable.name)) }))
  const start = useMutation({
    mutationFn: () => startRun({
      id, playbook: playbook.summary.id, version: playbook.summary.modified, case: chosen, dry_run: isDry,
      variables: Object.fromEntries(values.flatMap(({ variable, value }) => ('value' in value ? [[variable.name, value.value]] : []))),
    }),
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: ['runs'] })
      void navigate(`/response/runs/${run.summary.id}`)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    start.mutate()
  }
  if (needsProof(start.error)) return <Prove opened onClose={start.reset} onProved={() => start.mutate()} />
  const fields = asked.filter(({ name }) => !(name === CASE && chosen !== null))
  return (
    <Dialog opened onClose={onClose} title={t('response.startTitle')} size="lg">
      <form className={classes.form} onSubmit={submit}>
        <p className="quiet">{t('response.startHint')}</p>
        {mayWork && <Select data-autofocus label={t('response.case')} placeholder={t('response.noCase')} clearable searchable value={chosen} onChange={setChosen} data={cases.map((one) => ({ value: one.id, label: `#${one.number} ${inLanguage(one.title, language)}` }))} />}
        {fields.map((variable) => <VariableInput key={variable.name} variable={variable} text={typed[variable.name] ?? ''} onChange={(text) => setTyped({ ...typed, [variable.name]: text })} />)}
        <Checkbox label={t('response.dryRun')} description={t('response.dryRunHint')} checked={isDry} onChange={(event) => setIsDry(event.currentTarget.checked)} />
        {start.error && <ErrorNote error={start.error} />}
        <div className={classes.acts}>
          <Button type="submit" loading={start.isPending} disabled={values.some(({ value }) => 'fault' in value)}>{t(isDry ? 'response.rehearse' : 'response.startNow')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}

/** The input that a variable's type asks for. */
export function VariableInput({ variable, text, onChange }: { variable: PlaybookVariable | RunVariable; text: string; onChange: (text: string) => void }) {
  const { t } = useTranslation()
  const said = useSaid()
  const isEdge = variable.name.startsWith('__edge')
  const edges = useEdges(useMay('see-edges') && isEdge).data?.edges ?? []
  const label = variable.description == null ? variable.name : said(variable.description)
  const value = read(variable.kind, text)
  const fault = 'fault' in value && value.fault !== 'empty' ? value.fault : null
  const shared = { label, description: `${variable.name} · ${variable.kind}`, value: text, error: fault === null ? undefined : t(`response.faults.${fault}`) }
  if (variable.kind === 'bool') {
    return (
      <fieldset className={classes.choice}>
        <legend>{label} <span className="quiet">{variable.name}</span></legend>
        <SegmentedControl size="xs" aria-label={label} value={text} onChange={onChange} data={[{ value: 'true', label: t('common.yes') }, { value: 'false', label: t('common.no') }]} />
      </fieldset>
    )
  }
  if (isCompound(variable.kind)) return <Textarea {...shared} autosize minRows={2} maxLength={100_000} onChange={(event) => onChange(event.currentTarget.value)} />
  if (isEdge && edges.length > 0) return <Autocomplete {...shared} data={edges.map(({ id }) => id)} onChange={onChange} />
  return <TextInput {...shared} maxLength={10_000} spellCheck={false} onChange={(event) => onChange(event.currentTarget.value)} />
}
