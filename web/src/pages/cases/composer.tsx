import { Button, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import type { Case } from '../../api/types.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { useShortcuts } from '../../input/shortcuts.ts'
import classes from './case.module.css'

const DRAFT = 'yagura.draft.'

/** Writes a note. What is typed is kept on this device until the hub has taken it. */
export function Composer({ id }: { id: string }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const field = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState(() => sessionStorage.getItem(DRAFT + id) ?? '')
  const keep = (value: string) => {
    setText(value)
    if (value === '') sessionStorage.removeItem(DRAFT + id)
    else sessionStorage.setItem(DRAFT + id, value)
  }
  const send = useMutation({
    mutationFn: (note: string) => call<Case>('POST', `/api/v1/cases/${encodeURIComponent(id)}/entries`, { text: note }),
    onSuccess: (changed) => {
      client.setQueryData(['case', id], changed)
      void client.invalidateQueries({ queryKey: ['cases'] })
      keep('')
    },
    onError: () => void client.invalidateQueries({ queryKey: ['case', id] }),
  })
  useShortcuts({ n: () => field.current?.focus() })
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    if (text.trim() !== '' && !send.isPending) send.mutate(text.trim())
  }
  return (
    <form className={classes.composer} onSubmit={submit}>
      <Textarea
        ref={field}
        aria-label={t('cases.note')}
        placeholder={t('cases.notePlaceholder')}
        autosize
        minRows={1}
        maxRows={12}
        maxLength={20000}
        value={text}
        onChange={(event) => keep(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit()
        }}
      />
      {send.error && <ErrorNote error={send.error} />}
      {text !== '' && (
        <div className={classes.send}>
          <span className="quiet">{t('cases.draftKept')}</span>
          <Button type="submit" size="xs" loading={send.isPending} disabled={text.trim() === ''}>{t('cases.addNote')}</Button>
        </div>
      )}
    </form>
  )
}
