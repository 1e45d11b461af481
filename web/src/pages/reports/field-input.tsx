import { MultiSelect, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'

import type { ReportField } from '../../api/reports.ts'
import { read, type Typed } from './fields.ts'
import classes from './reports.module.css'
import { asLabel, useWords } from './words.ts'

/** One field of a record, with the input that its type asks for. */
export function FieldInput({ field, value, onChange }: { field: ReportField; value: Typed; onChange: (value: Typed) => void }) {
  const { t } = useTranslation()
  const words = useWords()
  const label = field.unit ? t('reporting.withUnit', { label: asLabel(words(field.label)), unit: words(field.unit) }) : asLabel(words(field.label))
  const help = field.help ? { description: words(field.help) } : {}
  const text = Array.isArray(value) ? '' : value
  const error = read(field, value) === null ? t('reporting.unreadable') : undefined
  const choices = field.choices.map((choice) => ({ value: choice.id, label: words(choice.label) }))
  switch (field.type) {
    case 'yes-no':
      return (
        <fieldset className={classes.yesNo}>
          <legend>{label}</legend>
          <SegmentedControl size="xs" aria-label={label} value={text} onChange={onChange} data={[{ value: 'yes', label: t('reporting.yes') }, { value: 'no', label: t('reporting.no') }, { value: '', label: t('reporting.notKnown') }]} />
        </fieldset>
      )
    case 'choice':
      return <Select label={label} {...help} clearable value={text === '' ? null : text} onChange={(chosen) => onChange(chosen ?? '')} data={choices} />
    case 'choices':
      return <MultiSelect label={label} {...help} value={Array.isArray(value) ? value : []} onChange={onChange} data={choices} />
    case 'long-text': case 'list':
      return <Textarea label={label} {...help} autosize minRows={field.type === 'list' ? 2 : 3} maxLength={20_000} value={text} onChange={(event) => onChange(event.currentTarget.value)} />
    case 'time':
      return <TextInput type="datetime-local" label={label} description={t('oversight.jst')} value={text} error={error} onChange={(event) => onChange(event.currentTarget.value)} />
    default:
      return <TextInput label={label} {...help} error={error} {...(field.type === 'number' ? { inputMode: 'numeric' as const } : {})} maxLength={1000} value={text} onChange={(event) => onChange(event.currentTarget.value)} />
  }
}
