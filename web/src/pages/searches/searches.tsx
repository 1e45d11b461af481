import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { call } from '../../api/client.ts'
import { useSavedSearches, type SavedSearch, type SearchTerms } from '../../api/finding.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { Page } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { typeWord } from '../../components/type-word.ts'
import { Waiting } from '../../components/waiting.tsx'
import classes from './searches.module.css'

/** Searches that are kept, and what they found since. */
export default function SavedSearchesPage() {
  const { t } = useTranslation()
  const searches = useSavedSearches()
  const kept = searches.data ?? []
  return (
    <Page title={t('searches.title')}>
      <FindTabs />
      {searches.error ? <ErrorNote error={searches.error} retry={() => void searches.refetch()} />
        : searches.isPending ? <Waiting />
        : kept.length === 0 ? <Empty title={t('searches.none')} action={<Link className="text-link" to="/intelligence">{t('places.intelligence')}</Link>}>{t('searches.noneHint')}</Empty>
        : <ul className={classes.list}>{kept.map((search) => <li key={search.id}><Kept search={search} /></li>)}</ul>}
    </Page>
  )
}

function link({ query, types, tlp, originators, confidence, revoked }: SearchTerms): string {
  const given = { q: query, type: types.join(','), tlp: tlp.join(','), originator: originators.join(','), confidence: confidence === undefined ? '' : String(confidence), revoked: revoked ? 'yes' : '' }
  return `/intelligence?${new URLSearchParams(Object.entries(given).filter(([, value]) => value !== '')).toString()}`
}

function Kept({ search }: { search: SavedSearch }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const forget = useMutation({
    mutationFn: () => call<void>('DELETE', `/api/v1/searches/${search.id}`),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['searches'] })
      say(t('searches.forgotten'))
    },
    onError: fail,
  })
  const terms = [search.terms.query, ...search.terms.types.map((type) => typeWord(type, t)), ...search.terms.tlp.map((level) => `TLP:${level.toUpperCase()}`), ...search.terms.originators].filter(Boolean)
  return (
    <article className={classes.search} aria-label={search.name}>
      <header className={classes.head}>
        <h2><Link className="text-link" to={link(search.terms)}>{search.name}</Link></h2>
        <span className="quiet">{t(search.alerts ? 'searches.alerting' : 'searches.quiet')}{search.mail !== undefined && ` · ${search.mail}`}{search.webhook !== undefined && ` · ${new URL(search.webhook).host}`}</span>
        <Button size="compact-xs" variant="default" loading={forget.isPending} onClick={() => forget.mutate()}>{t('searches.forget')}</Button>
      </header>
      <p className={classes.terms}>{terms.length === 0 ? t('searches.anything') : terms.join(' · ')}</p>
      {search.alerts && (search.notices.length === 0 ? <p className="quiet">{t('searches.noNotices')}</p> : (
        <ul className={classes.notices}>
          {search.notices.map((notice) => (
            <li key={notice.id}>
              <Ago at={notice.created} /> <span>{t('searches.hits', { count: notice.hits })}</span> <span className="quiet">{t(`searches.way.${notice.way}`)} · {t(`searches.state.${notice.state}`)}{notice.attempts > 1 && ` · ${t('searches.attempts', { count: notice.attempts })}`}{notice.trouble !== undefined && ` · ${notice.trouble}`}</span>
            </li>
          ))}
        </ul>
      ))}
    </article>
  )
}
