import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'

import { useComparison } from '../../api/finding.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { Page } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './actors.module.css'
import { Days } from './days.tsx'

/** Actors side by side: what they share first. */
export default function ComparePage() {
  const { t } = useTranslation()
  const language = useLanguage()
  const [parameters] = useSearchParams()
  const ids = (parameters.get('ids') ?? '').split(',').filter(Boolean)
  const compared = useComparison(ids)
  const data = compared.data
  return (
    <Page title={t('actorsPage.compareTitle')} above={<Link to="/actors" className="text-link">{t('actorsPage.title')}</Link>} aside={data && <span>{t('common.asOf')} <Ago at={data.as_of} /></span>}>
      <FindTabs />
      {ids.length < 2 ? <Empty title={t('actorsPage.choose')} />
        : compared.error ? <ErrorNote error={compared.error} retry={() => void compared.refetch()} />
        : !data ? <Waiting />
        : (
          <div className={classes.scroll} tabIndex={0} role="group" aria-label={t('actorsPage.compareTitle')}>
            <table className={classes.table}>
              <thead>
                <tr>
                  <th scope="col">{t('graph.kind')}</th>
                  <th scope="col">{t('actorsPage.usedBy')}</th>
                  {data.actors.map((actor) => <th key={actor.id} scope="col"><Link className="text-link" to={`/actors/${actor.id}`}>{inLanguage(actor.name, language)}</Link></th>)}
                </tr>
              </thead>
              <tbody>
                <tr>
                  <th scope="row" colSpan={2}>{t('actorsPage.sightings')}</th>
                  {data.sightings.map((days, place) => <td key={data.actors[place]?.id ?? place}>{days.length === 0 ? <span className="quiet">{t('actorsPage.noSightings')}</span> : <Days days={days} />}</td>)}
                </tr>
                {data.rows.map((row) => (
                  <tr key={`${row.kind} ${row.object.id}`} data-shared={row.used_by.length === data.actors.length || undefined}>
                    <td>{t(`actorsPage.kinds.${row.kind}`)}</td>
                    <th scope="row"><Link className="text-link" to={`/intelligence/${row.object.id}`}>{inLanguage(row.object.name, language)}</Link>{row.used_by.length === data.actors.length && <span className="quiet"> {t('actorsPage.shared')}</span>}</th>
                    {data.actors.map((actor, place) => <td key={actor.id}>{row.used_by.includes(place) ? t('common.yes') : <span className="quiet">–</span>}</td>)}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </Page>
  )
}
