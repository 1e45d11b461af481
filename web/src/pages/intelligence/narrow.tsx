import { Button, Checkbox, Select, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { call } from '../../api/client.ts'
import { useFacets, type FacetCount, type NewSavedSearch, type SavedSearchAdded } from '../../api/finding.ts'
import type { ObjectSearch } from '../../api/queries.ts'
import type { ObjectSummary } from '../../api/types.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Secret } from '../../components/secret.tsx'
import { useToasts } from '../../components/toast.tsx'
import { typeWord } from '../../components/type-word.ts'
import { exact } from '../../format/number.ts'
import type { Searching } from './search.tsx'
import classes from './search.module.css'

const LEAST: Record<string, string> = { high: '70', medium: '30' }

/** How the hits are spread, and a way to keep only some of them. */
export function FacetRow({ search, change, narrowing }: Searching & { narrowing: number }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const facets = useFacets({ query: search.text, type: search.types.join(','), revoked: search.revoked ? 'true' : undefined })
  const option = (label: (value: string) => string) => ({ value, count }: FacetCount) => ({ value, label: `${label(value)} (${exact(count)})` })
  const data = facets.data
  if (!data) return null
  return (
    <div className={classes.facets} role="group" aria-label={t('finding.facets')}>
      <Select size="xs" w={190} clearable placeholder={t('finding.facetOriginators')} aria-label={t('finding.facetOriginators')} value={search.originator || null} data={data.originators.map(option(name))} onChange={(value) => change('originator', value)} />
      <Select size="xs" w={170} clearable placeholder={t('finding.facetTlp')} aria-label={t('finding.facetTlp')} value={search.tlp || null} data={data.tlp.map(option((value) => value === 'unmarked' ? t('finding.unmarked') : `TLP:${value.toUpperCase()}`))} onChange={(value) => change('tlp', value)} />
      <Select
        size="xs"
        w={190}
        clearable
        placeholder={t('finding.facetConfidence')}
        aria-label={t('finding.facetConfidence')}
        value={search.confidence || null}
        data={Object.entries(LEAST).map(([band, least]) => {
          const counted = data.confidence.find(({ value }) => value === band)
          const label = t(`finding.bands.${band}`)
          return { value: least, label: counted ? `${label} (${exact(counted.count)})` : label }
        })}
        onChange={(value) => change('confidence', value)}
      />
      {narrowing > 0 && <span className="quiet">{t('finding.narrowed', { count: narrowing })}</span>}
      {narrowing > 0 && <button type="button" className={classes.newer} onClick={() => { for (const one of ['originator', 'tlp', 'confidence']) change(one, null) }}>{t('finding.clearFilters')}</button>}
    </div>
  )
}

/** Names that are nearly what was typed. */
export function Similar({ objects }: { objects: ObjectSummary[] }) {
  const { t } = useTranslation()
  return (
    <p className={classes.similar}>
      <strong>{t('finding.similar')}</strong>
      {objects.map((object) => <span key={object.id}><Link className="text-link" to={`/intelligence/${object.id}`}>{object.name}</Link> <span className="quiet">{typeWord(object.object_type, t)}</span></span>)}
    </p>
  )
}

/** Keeps what is searched for, with alerts. */
export function SaveSearch({ search }: { search: ObjectSearch }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const [opened, { open, close }] = useDisclosure(false)
  const [name, setName] = useState('')
  const [alerts, setAlerts] = useState(true)
  const [mail, setMail] = useState('')
  const [webhook, setWebhook] = useState('')
  const [secret, setSecret] = useState<string | null>(null)
  const save = useMutation({
    mutationFn: (wanted: NewSavedSearch) => call<SavedSearchAdded>('POST', '/api/v1/searches', wanted),
    onSuccess: (added) => {
      void client.invalidateQueries({ queryKey: ['searches'] })
      say(t('searches.saved'))
      if (added.secret === undefined) close()
      else setSecret(added.secret)
    },
  })
  const terms = {
    query: search.text,
    types: search.types,
    tlp: search.tlp === '' ? [] : [search.tlp],
    originators: search.originator === '' ? [] : [search.originator],
    revoked: search.revoked,
    ...(search.confidence === '' ? {} : { confidence: Number(search.confidence) }),
  }
  const begin = () => {
    setName(search.text || search.types.map((type) => typeWord(type, t)).join(' · ') || t('searches.anything'))
    setSecret(null)
    save.reset()
    open()
  }
  return (
    <>
      <Button size="xs" variant="default" onClick={begin}>{t('finding.save')}</Button>
      <Dialog opened={opened} onClose={close} title={t('finding.save')}>
        {secret === null ? (
          <form
            className={classes.form}
            onSubmit={(event) => {
              event.preventDefault()
              save.mutate({ name: name.trim(), terms, alerts, ...(alerts && mail !== '' ? { mail } : {}), ...(alerts && webhook !== '' ? { webhook } : {}) })
            }}
          >
            <TextInput data-autofocus label={t('searches.name')} maxLength={200} value={name} onChange={(event) => setName(event.currentTarget.value)} />
            <Checkbox label={t('searches.alerts')} checked={alerts} onChange={(event) => setAlerts(event.currentTarget.checked)} />
            {alerts && <TextInput type="email" label={t('searches.mail')} description={t('searches.mailHint')} value={mail} onChange={(event) => setMail(event.currentTarget.value)} />}
            {alerts && <TextInput label={t('searches.webhook')} description={t('searches.webhookHint')} placeholder="https://" value={webhook} onChange={(event) => setWebhook(event.currentTarget.value)} />}
            {save.error && <ErrorNote error={save.error} />}
            <Button type="submit" loading={save.isPending} disabled={name.trim() === ''}>{t('common.save')}</Button>
          </form>
        ) : (
          <Secret title={t('searches.secretTitle')} secret={secret} hint={t('searches.secretHint')} onDone={close} />
        )}
      </Dialog>
    </>
  )
}
