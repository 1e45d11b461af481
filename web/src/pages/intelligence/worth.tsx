import { Select } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { call } from '../../api/client.ts'
import { useSame, useScore } from '../../api/finding.ts'
import { useMay } from '../../api/session.ts'
import type { ObjectSummary } from '../../api/types.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './worth.module.css'

/** What it is worth to us now and how that comes about; and what we hold for the same. */
export function Worth({ object }: { object: ObjectSummary }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const mayWrite = useMay('write')
  const score = useScore(object.id)
  const same = useSame(object.id)
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const grade = useMutation({
    mutationFn: (reliability: string) => call('PUT', `/api/v1/grades/${encodeURIComponent(object.originator)}`, { reliability }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['score'] })
      say(t('score.graded'))
    },
    onError: fail,
  })
  return (
    <>
      {same.data && same.data.length > 0 && (
        <Section title={t('actorsPage.sameAs')}>
          <ul className={classes.same}>{same.data.map((one) => <li key={one.id}><Link className="text-link" to={`/intelligence/${one.id}`}>{inLanguage(one.name, language)}</Link></li>)}</ul>
        </Section>
      )}
      <Section title={t('score.title')}>
        {score.error ? <ErrorNote error={score.error} /> : !score.data ? <Waiting lines={3} /> : (
          <>
            <p className={classes.value}><strong>{score.data.value}</strong> {t('score.of100')}</p>
            <ol className={classes.steps} aria-label={t('score.how')}>
              {score.data.steps.map((step) => <li key={step.name}>{step.why[language]}</li>)}
            </ol>
            {mayWrite && <Select size="xs" mt="xs" aria-label={t('score.grade')} placeholder={t('score.grade')} value={null} data={['A', 'B', 'C', 'D', 'E', 'F']} onChange={(letter) => letter !== null && grade.mutate(letter)} />}
          </>
        )}
      </Section>
    </>
  )
}
