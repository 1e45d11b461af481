import { TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { ApiError } from '../../api/error.ts'
import { useIndicatorHints } from '../../api/queries.ts'
import type { ObjectDetail } from '../../api/types.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { useObjectName } from '../../components/object-name.ts'
import classes from './oversight.module.css'

/** Finds indicators in the intelligence that is here, and gives the pattern of the one that is picked. */
export function IndicatorFinder({ onPick }: { onPick: (pattern: string) => void }) {
  const { t } = useTranslation()
  const objectName = useObjectName()
  const [text, setText] = useState('')
  const [settled] = useDebouncedValue(text.trim(), 200)
  const found = useIndicatorHints(settled).data?.objects ?? []
  const pick = useMutation({
    mutationFn: async (id: string) => {
      const { object } = await call<ObjectDetail>('GET', `/api/v1/objects/${encodeURIComponent(id)}`)
      if (object.pattern_type !== 'stix' || typeof object.pattern !== 'string') throw new ApiError('unprocessable', 0, 'its pattern is not a STIX pattern', undefined, { reason: 'indicator-pattern', params: {} })
      return object.pattern
    },
    onSuccess: (pattern) => {
      onPick(pattern)
      setText('')
    },
  })
  return (
    <div>
      <TextInput label={t('oversight.find')} placeholder={t('search.placeholder')} autoComplete="off" spellCheck={false} value={text} onChange={(event) => setText(event.currentTarget.value)} onKeyDown={(event) => { if (event.key === 'Enter') event.preventDefault() }} />
      {settled !== '' && (
        <ul className={classes.found} aria-label={t('palette.results')}>
          {found.map((one) => (
            <li key={one.id}><button type="button" disabled={pick.isPending} onClick={() => pick.mutate(one.id)}><Plus size={14} aria-hidden /><span>{objectName(one.id, one.name)}</span><Marking marking={one.marking} /></button></li>
          ))}
          {found.length === 0 && <li className="quiet">{t('palette.nothing')}</li>}
        </ul>
      )}
      {pick.error && <ErrorNote error={pick.error} />}
    </div>
  )
}
