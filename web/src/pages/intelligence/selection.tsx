import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'

import { call } from '../../api/client.ts'
import { useMay, useSession } from '../../api/session.ts'
import type { ObjectDetail, ObjectSummary } from '../../api/types.ts'
import { CaseAdder } from '../../components/case-adder.tsx'
import { useToasts } from '../../components/toast.tsx'
import classes from './search.module.css'

/** What can be done with what was selected. */
export function Selection({ chosen, onClear }: { chosen: ObjectSummary[]; onClear: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const mayWork = useMay('work-cases')
  const mayDelete = useMay('delete')
  const { organisation } = useSession()
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const [adding, setAdding] = useState(false)
  const own = chosen.filter((object) => object.originator === organisation.id)
  const exporting = useMutation({
    mutationFn: async () => {
      const objects = []
      for (const { id } of chosen) objects.push((await call<ObjectDetail>('GET', `/api/v1/objects/${encodeURIComponent(id)}`)).object)
      save({ type: 'bundle', id: `bundle--${crypto.randomUUID()}`, objects })
    },
    onSuccess: () => say(t('finding.exported', { count: chosen.length })),
    onError: fail,
  })
  const withdrawing = useMutation({
    mutationFn: async () => {
      for (const { id } of own) await call<void>('DELETE', `/api/v1/objects/${encodeURIComponent(id)}`)
    },
    onSuccess: () => {
      const rest = chosen.length - own.length
      say([t('finding.withdrawn', { count: own.length }), ...(rest > 0 ? [t('finding.notOwn', { count: rest })] : [])].join(' · '))
      onClear()
    },
    onError: fail,
    onSettled: () => void client.invalidateQueries({ queryKey: ['objects'] }),
  })
  if (chosen.length === 0) return null
  const nodes = chosen.map((object) => object.id).join('\n')
  return (
    <div className={classes.selection} role="region" aria-label={t('finding.selected', { count: chosen.length })}>
      <span>{t('finding.selected', { count: chosen.length })}</span>
      <Button size="xs" onClick={() => void navigate(`/graph?${new URLSearchParams({ n: nodes, x: chosen.length <= 5 ? nodes : '' }).toString()}`)}>{t('finding.openGraph')}</Button>
      {mayWork && <Button size="xs" variant="default" onClick={() => setAdding(true)}>{t('finding.addToCase')}</Button>}
      <Button size="xs" variant="default" loading={exporting.isPending} onClick={() => exporting.mutate()}>{t('finding.export')}</Button>
      {mayDelete && own.length > 0 && <Button size="xs" variant="default" loading={withdrawing.isPending} onClick={() => withdrawing.mutate()}>{t('finding.withdraw')}</Button>}
      <Button size="xs" variant="subtle" color="gray" onClick={onClear}>{t('finding.clearSelection')}</Button>
      <CaseAdder objects={chosen.map((object) => object.id)} opened={adding} onClose={() => setAdding(false)} />
    </div>
  )
}

function save(bundle: unknown): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([JSON.stringify(bundle, null, 2)], { type: 'application/stix+json' }))
  link.download = 'yagura-export.json'
  link.click()
  URL.revokeObjectURL(link.href)
}
