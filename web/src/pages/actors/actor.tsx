import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useParams } from 'react-router'

import { useActor, useTempo, type Actor, type Tempo } from '../../api/finding.ts'
import type { ObjectSummary } from '../../api/types.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { Marking } from '../../components/marking.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { sectorWord } from '../../components/sector-word.ts'
import { Ago, Both } from '../../components/time.tsx'
import { typeWord } from '../../components/type-word.ts'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { defang } from '../../format/value.ts'
import { useLanguage } from '../../i18n.ts'
import classes from './actors.module.css'
import { Days } from './days.tsx'

/** One actor: its names, what it uses, whom it targets, where it was sighted, how fast it goes. */
export default function ActorPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const actor = useActor(id)
  if (actor.error) return <Page title={t('actorsPage.title')}><FindTabs /><ErrorNote error={actor.error} retry={() => void actor.refetch()} /></Page>
  if (!actor.data) return <Page title={t('actorsPage.title')}><FindTabs /><Waiting lines={10} /></Page>
  return <Loaded actor={actor.data} />
}

function Loaded({ actor }: { actor: Actor }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const navigate = useNavigate()
  const { object } = actor
  const node = encodeURIComponent(object.id)
  return (
    <Page
      title={inLanguage(object.name, language)}
      above={<><Link to="/actors" className="text-link">{t('actorsPage.title')}</Link> / {typeWord(object.object_type, t)}</>}
      aside={<><Marking marking={object.marking} /><span>{t('common.asOf')} <Ago at={actor.as_of} /></span></>}
      actions={
        <>
          <Button size="xs" variant="default" onClick={() => void navigate(`/matrix?of=${node}&name=${encodeURIComponent(object.name)}`)}>{t('actorsPage.matrix')}</Button>
          <Button size="xs" variant="default" onClick={() => void navigate(`/graph?n=${node}&x=${node}`)}>{t('graph.showIn')}</Button>
        </>
      }
    >
      <FindTabs />
      {object.description !== undefined && object.description !== null && <p className={`prose ${classes.about ?? ''}`}>{inLanguage(object.description, language)}{object.description.endsWith('…') && <> <Link to={`/intelligence/${object.id}`} className="text-link">{t('actorsPage.whole')}</Link></>}</p>}
      {actor.more && <p className="quiet">{t('actorsPage.cut')}</p>}
      <div className={classes.columns}>
        <div>
          <Section id="sightings" title={t('actorsPage.sightings')}>
            {actor.sightings.length === 0 ? <p className="quiet">{t('actorsPage.noSightings')}</p> : <Days days={actor.sightings} />}
          </Section>
          <Pace id={object.id} />
          <Items title={t('actorsPage.techniques')} objects={actor.techniques} />
          <Items title={t('actorsPage.software')} objects={actor.software} />
          <Items title={t('actorsPage.infrastructure')} objects={actor.infrastructure} />
          <Items title={t('actorsPage.indicators')} objects={actor.indicators} />
        </div>
        <aside aria-label={t('object.what')}>
          <Section title={t('actorsPage.aliases')}>
            {actor.aliases.length === 0 ? <p className="quiet">{t('actorsPage.nothing')}</p> : <p>{actor.aliases.join(' · ')}</p>}
          </Section>
          {actor.same_as.length > 0 && <Items title={t('actorsPage.sameAs')} objects={actor.same_as} />}
          <Section title={t('actorsPage.sectors')}>
            {actor.sectors.length === 0 ? <p className="quiet">{t('actorsPage.nothing')}</p> : (
              <ul className={classes.plain}>{actor.sectors.map(({ kind, count }) => <li key={kind}><span>{sectorWord(kind, t)}</span> <span className="quiet">{count}</span></li>)}</ul>
            )}
          </Section>
          <Section title={t('actorsPage.firstSeen')}>
            <p>{actor.first_seen === undefined ? <span className="quiet">{t('actorsPage.nothing')}</span> : <Both at={actor.first_seen} />}</p>
            {actor.last_seen !== undefined && <p>{t('actorsPage.lastSeen')} <Both at={actor.last_seen} /></p>}
          </Section>
          <Items title={t('actorsPage.campaigns')} objects={actor.campaigns} />
          <Items title={t('actorsPage.targets')} objects={actor.targets} />
        </aside>
      </div>
    </Page>
  )
}

function Items({ title, objects }: { title: string; objects: ObjectSummary[] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <Section title={title} aside={objects.length > 0 ? objects.length : undefined}>
      {objects.length === 0 ? <p className="quiet">{t('actorsPage.nothing')}</p> : (
        <ul className={classes.items}>
          {objects.map((object) => <li key={object.id}><Link className="text-link" to={`/intelligence/${object.id}`}>{inLanguage(defang(object.name), language)}</Link></li>)}
        </ul>
      )}
    </Section>
  )
}

/** How fast it goes from stage to stage, whether that is faster than hands, and how sure that is. */
function Pace({ id }: { id: string }) {
  const { t } = useTranslation()
  const tempo = useTempo(id)
  return (
    <Section id="tempo" title={t('actorsPage.tempo')} aside={tempo.data && <Ago at={tempo.data.as_of} />}>
      {tempo.error ? <ErrorNote error={tempo.error} /> : tempo.data ? <Told tempo={tempo.data} /> : <Waiting lines={3} />}
    </Section>
  )
}

function Told({ tempo }: { tempo: Tempo }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  return (
    <>
      {tempo.of > 0 && (
        <dl className={classes.figures}>
          <div><dt>{t('actorsPage.median')}</dt><dd>{tempo.median_seconds === undefined ? '–' : t('actorsPage.seconds', { value: tempo.median_seconds })}</dd></div>
          <div><dt>{t('actorsPage.trend')}</dt><dd>{t(`actorsPage.trends.${tempo.trend}`)}</dd></div>
          <div data-automated={tempo.automated || undefined}><dt>{t(tempo.automated ? 'actorsPage.automated' : 'actorsPage.notAutomated')}</dt><dd>{t('actorsPage.fast', { fast: tempo.fast, of: tempo.of, seconds: tempo.threshold_seconds })}</dd></div>
          <div><dt>{t('actorsPage.sureness')}</dt><dd>{t(`actorsPage.sure.${tempo.sureness}`)}</dd></div>
        </dl>
      )}
      <ul className={classes.why}>{tempo.why.map((why) => <li key={why.en}>{why[language]}</li>)}</ul>
      {tempo.leaps.length > 0 && (
        <details className={classes.leaps}>
          <summary>{t('actorsPage.leaps')}</summary>
          <table className={classes.table}>
            <thead><tr><th scope="col">{t('actorsPage.member')}</th><th scope="col">{t('actorsPage.fromStage')}</th><th scope="col">{t('actorsPage.toStage')}</th><th scope="col">{t('actorsPage.took')}</th><th scope="col">{t('actorsPage.at')}</th></tr></thead>
            <tbody>
              {tempo.leaps.toReversed().slice(0, 100).map((leap) => (
                <tr key={`${leap.organisation} ${leap.to} ${leap.at}`}>
                  <td>{name(leap.organisation)}</td><td>{leap.from}</td><td>{leap.to}</td><td>{t('actorsPage.seconds', { value: leap.seconds })}</td><td><Both at={leap.at} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </>
  )
}
