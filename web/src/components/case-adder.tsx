import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'

import { call } from '../api/client.ts'
import { useCases } from '../api/queries.ts'
import type { Case } from '../api/types.ts'
import { Dialog } from './dialog.tsx'
import { ErrorNote } from './error-note.tsx'
import classes from './case-adder.module.css'
import { SeverityPicker } from './severity-picker.tsx'
import { useToasts } from './toast.tsx'

/** Puts objects into an open case, or opens one with them. */
export function CaseAdder({ objects, opened, onClose }: { objects: string[]; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const client = useQueryClient()
  const { say } = useToasts()
  const cases = useCases('open', opened)
  const [chosen, setChosen] = useState<string | null>(null)
  const [title, setTitle] = useState('')
  const [severity, setSeverity] = useState(2)
  const add = useMutation({
    mutationFn: () => chosen === null
      ? call<Case>('POST', '/api/v1/cases', { title: title.trim(), severity, objects })
      : call<Case>('POST', `/api/v1/cases/${encodeURIComponent(chosen)}/objects`, { objects }),
    onSuccess: (changed) => {
      client.setQueryData(['case', changed.summary.id], changed)
      void client.invalidateQueries({ queryKey: ['cases'] })
      say(t('finding.added', { count: objects.length }))
      onClose()
      void navigate(`/cases/${changed.summary.id}`)
    },
  })
  const open = cases.data?.cases ?? []
  return (
    <Dialog opened={opened} onClose={onClose} title={t('graph.add', { count: objects.length })}>
      <form className={classes.form} onSubmit={(event) => { event.preventDefault(); add.mutate() }}>
        <Select
          label={t('finding.existingCase')}
          placeholder={t('finding.newCase')}
          value={chosen}
          onChange={setChosen}
          clearable
          searchable
          data={open.map((one) => ({ value: one.id, label: `#${one.number} ${one.title}` }))}
        />
        {chosen === null && (
          <>
            <TextInput data-autofocus label={t('finding.caseTitle')} maxLength={200} value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
            <SeverityPicker value={severity} onChange={setSeverity} />
          </>
        )}
        {add.error && <ErrorNote error={add.error} />}
        <Button type="submit" loading={add.isPending} disabled={chosen === null && title.trim() === ''}>{t(chosen === null ? 'finding.createNow' : 'finding.addNow')}</Button>
      </form>
    </Dialog>
  )
}
