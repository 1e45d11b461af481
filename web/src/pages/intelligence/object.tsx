import { Button, Menu, Tabs } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { ChevronDown, Eye, Trash2, Waypoints } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useParams, useSearchParams } from 'react-router'

import { useAudience, useGroups } from '../../api/agreements.ts'
import { call } from '../../api/client.ts'
import { useObject, useReferences } from '../../api/queries.ts'
import { useMay, useSession } from '../../api/session.ts'
import type { ObjectDetail, ObjectReferences, ObjectSummary } from '../../api/types.ts'
import { AudienceList } from '../../components/audience.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { SidePanel } from '../../components/dialog.tsx'
import { Copy } from '../../components/copy.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { typeWord } from '../../components/type-word.ts'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { exact } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { titleOf } from './object-row.tsx'
import { list, Properties, text } from './properties.tsx'
import classes from './object.module.css'
import { References } from './references.tsx'
import { GivenTo, useSharingActs } from './sharing-actions.tsx'
import { Worth } from './worth.tsx'

/** One object: what it is, why we believe it, where it was seen, what refers to it, who can see it. */
export default function ObjectPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const [search] = useSearchParams()
  const object = useObject(id, search.get('version') ?? undefined)
  if (object.error) {
    return <Page title={t('object.title')} above={<Back />}><ErrorNote error={object.error} retry={() => void object.refetch()} /></Page>
  }
  if (!object.data) return <Page title={t('object.title')} above={<Back />}><Waiting lines={10} /></Page>
  return <Loaded key={object.data.summary.id} detail={object.data} />
}

function Back() {
  const { t } = useTranslation()
  return <Link to="/intelligence" className="text-link">{t('places.intelligence')}</Link>
}

function Loaded({ detail }: { detail: ObjectDetail }) {
  const { t } = useTranslation()
  const { summary } = detail
  const name = useOrganisationName()
  const [audience, { open, close }] = useDisclosure(false)
  const [withdrawing, { open: ask, close: leave }] = useDisclosure(false)
  const mayWithdraw = useMay('delete')
  const navigate = useNavigate()
  const client = useQueryClient()
  const { say } = useToasts()
  const gone = () => {
    say(t('object.withdrawn'))
    client.removeQueries({ queryKey: ['object', summary.id] })
    void client.invalidateQueries({ queryKey: ['objects'] })
    void navigate('/intelligence')
  }
  const references = useReferences(summary.id)
  const { may, organisation } = useSession()
  const knowsRecipients = may.includes('see-releases') || summary.originator === organisation.id
  return (
    <Page
      title={titleOf(summary, name, t)}
      tab={summary.name}
      above={<><Back /> / {typeWord(summary.object_type, t)}</>}
      aside={
        <>
          <Marking marking={summary.marking} />
          {summary.revoked && <strong className={classes.revoked}>{t('object.revoked')}</strong>}
          <span>{t('object.addedBy')} <Ago at={summary.date_added} /></span>
        </>
      }
      actions={<Acts detail={detail} onAudience={open} onWithdraw={mayWithdraw ? ask : undefined} />}
    >
      <Confirm
        opened={withdrawing}
        onClose={leave}
        title={t('object.withdrawTitle')}
        act={t('object.withdraw')}
        run={() => call<void>('DELETE', `/api/v1/objects/${encodeURIComponent(summary.id)}`)}
        onDone={gone}
      >
        <p><strong>{titleOf(summary, name, t)}</strong></p>
        <p>{t('object.withdrawWhy')}</p>
      </Confirm>
      <Tabs defaultValue="overview" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="overview">{t('object.overview')}</Tabs.Tab>
          <Tabs.Tab value="versions">{t('object.versions', { count: detail.versions.length })}</Tabs.Tab>
          {knowsRecipients && <Tabs.Tab value="given">{t('sharing.givenToTab')}</Tabs.Tab>}
          <Tabs.Tab value="json">JSON</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview"><Overview detail={detail} references={references.data} error={references.error} /></Tabs.Panel>
        <Tabs.Panel value="versions"><Versions detail={detail} /></Tabs.Panel>
        {knowsRecipients && <Tabs.Panel value="given"><GivenTo id={summary.id} /></Tabs.Panel>}
        <Tabs.Panel value="json"><Raw detail={detail} /></Tabs.Panel>
      </Tabs>
      <SidePanel opened={audience} onClose={close} title={t('object.whoSees')}>
        <WhoSees detail={detail} />
      </SidePanel>
    </Page>
  )
}

/** The one thing that is always at hand, and the rest in a menu. */
function Acts({ detail, onAudience, onWithdraw }: { detail: ObjectDetail; onAudience: () => void; onWithdraw: (() => void) | undefined }) {
  const { t } = useTranslation()
  const { lines, dialogs } = useSharingActs(detail)
  const id = encodeURIComponent(detail.summary.id)
  return (
    <>
      <Button size="xs" leftSection={<Eye size={15} />} onClick={onAudience}>{t('object.whoSees')}</Button>
      <Menu position="bottom-end" width={260}>
        <Menu.Target><Button variant="default" size="xs" rightSection={<ChevronDown size={15} />}>{t('object.more')}</Button></Menu.Target>
        <Menu.Dropdown>
          <Menu.Item component={Link} to={`/graph?n=${id}&x=${id}`} leftSection={<Waypoints size={15} />}>{t('graph.showIn')}</Menu.Item>
          {lines}
          {onWithdraw && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<Trash2 size={15} />} onClick={onWithdraw}>{t('object.withdraw')}</Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {dialogs}
    </>
  )
}

function Overview({ detail, references, error }: { detail: ObjectDetail; references: ObjectReferences | undefined; error: unknown }) {
  const { t } = useTranslation()
  const { object, summary } = detail
  const pattern = text(object['pattern'])
  const description = text(object['description'])
  const seen = references?.referred_by.filter(({ object: other }) => other.object_type === 'sighting') ?? []
  const rest = references && { ...references, referred_by: references.referred_by.filter(({ object: other }) => other.object_type !== 'sighting') }
  return (
    <div className={classes.columns}>
      <div>
        <Section id="what" title={t('object.what')} aside={<span className={classes.id}><span className="mono">{summary.id}</span><Copy text={summary.id} label={t('object.copyId')} /></span>}>
          {description !== null && <p className="prose">{description}</p>}
          {pattern !== null && (
            <figure className={classes.pattern}>
              <figcaption>{t('object.pattern')} <Copy text={pattern} /></figcaption>
              <pre tabIndex={0}><code>{pattern}</code></pre>
            </figure>
          )}
          <Properties object={object} />
        </Section>
        <Section id="seen" title={t('object.seen')} aside={t('object.seenTimes', { count: detail.sightings, text: exact(detail.sightings) })}>
          {error ? <ErrorNote error={error} /> : !references ? <Waiting lines={3} /> : seen.length === 0 ? <p className="quiet">{t('object.notSeen')}</p> : (
            <ol className={classes.rows}>
              {byOriginator(seen.map(({ object: sighting }) => sighting)).map((sightings) => <li key={sightings[0]?.id}><SeenBy sightings={sightings} /></li>)}
            </ol>
          )}
        </Section>
        <Section id="references" title={t('object.references')} aside={references?.more && t('object.moreReferences')}>
          {error ? <ErrorNote error={error} /> : rest ? <References references={rest} /> : <Waiting lines={4} />}
        </Section>
      </div>
      <aside className={classes.why} aria-label={t('object.why')}><Why detail={detail} references={references} /><Worth object={summary} /></aside>
    </div>
  )
}

/** Sightings by who reported them, in the order in which each reported last. */
function byOriginator(sightings: readonly ObjectSummary[]): ObjectSummary[][] {
  const groups = new Map<string, ObjectSummary[]>()
  for (const sighting of sightings) groups.set(sighting.originator, [...(groups.get(sighting.originator) ?? []), sighting])
  return [...groups.values()]
}

/** What one organisation saw: a line, and each sighting behind it. */
function SeenBy({ sightings }: { sightings: ObjectSummary[] }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const [newest] = sightings
  if (newest === undefined) return null
  if (sightings.length === 1) return <SeenRow sighting={newest} />
  return (
    <details className={classes.seenBy}>
      <summary>
        <span className={classes.other}>{name(newest.originator)} <span className="quiet">{t('object.seenBy', { count: sightings.length })}</span></span>
        <span className="quiet"><Ago at={newest.date_added} /></span>
        <Marking marking={newest.marking} />
      </summary>
      <ol>{sightings.map((sighting) => <li key={sighting.id}><SeenRow sighting={sighting} /></li>)}</ol>
    </details>
  )
}

function SeenRow({ sighting }: { sighting: ObjectSummary }) {
  const name = useOrganisationName()
  return (
    <Link to={`/intelligence/${sighting.id}`} className={classes.reference}>
      <span className={classes.other}>{name(sighting.originator)}</span>
      <span className="quiet"><Ago at={sighting.date_added} /></span>
      <Marking marking={sighting.marking} />
    </Link>
  )
}

/** The sharing groups that it is limited to, as far as we are in them. */
function GroupNames({ refs }: { refs: unknown[] }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const groups = useGroups(refs.length > 1).data?.groups.filter((group) => refs.includes(group.marking)) ?? []
  return groups.map((group) => <p key={group.id} className={classes.statement}>{t('groups.limitedTo', { name: language === 'ja' ? group.name_ja : group.name_en })}</p>)
}

/** Why we believe it: confidence, source, markings, labels. */
function Why({ detail, references }: { detail: ObjectDetail; references: ObjectReferences | undefined }) {
  const { t } = useTranslation()
  const { summary, object } = detail
  const name = useOrganisationName()
  const language = useLanguage()
  const sources = list(object['external_references'])
  const creator = text(object['created_by_ref'])
  const creatorName = references?.refers_to.find(({ property }) => property === 'created_by_ref')?.object.name
  const validUntil = text(object['valid_until'])
  return (
    <Section title={t('object.why')}>
      <dl className={classes.facts}>
        <dt>{t('object.confidence')}</dt>
        <dd>{summary.confidence == null ? <span className="quiet">{t('object.unstated')}</span> : <Confidence value={summary.confidence} />}</dd>
        <dt>{t('object.originator')}</dt>
        <dd>{name(summary.originator)}</dd>
        {creator !== null && <><dt>{t('object.creator')}</dt><dd><Link className="text-link" to={`/intelligence/${creator}`}>{creatorName === undefined ? <span className="mono">{creator}</span> : inLanguage(creatorName, language)}</Link></dd></>}
        {summary.version != null && <><dt>{t('object.modified')}</dt><dd><Both at={summary.version} /></dd></>}
        {validUntil !== null && <><dt>{t('object.validUntil')}</dt><dd><Both at={validUntil} /></dd></>}
        <dt>{t('object.marking')}</dt>
        <dd>
          <Marking marking={summary.marking} />
          <GroupNames refs={Array.isArray(object['object_marking_refs']) ? object['object_marking_refs'] : []} />
          {summary.marking.statements.map((statement) => <p key={statement} className={classes.statement}>{statement}</p>)}
        </dd>
        {summary.tags.length > 0 && <><dt>{t('object.tags')}</dt><dd>{summary.tags.map((tag) => t(`words.${tag}`, { defaultValue: tag })).join(' · ')}</dd></>}
        {sources.length > 0 && (
          <>
            <dt>{t('object.sources')}</dt>
            <dd>
              <ul className={classes.sources}>
                {sources.map((source, place) => (
                  <li key={place}>
                    {text(source['source_name'])} {text(source['external_id'])}
                    {text(source['url']) !== null && <span className={`mono ${classes.address}`}>{text(source['url'])}</span>}
                    {text(source['description']) !== null && <span className="quiet">{text(source['description'])}</span>}
                  </li>
                ))}
              </ul>
            </dd>
          </>
        )}
      </dl>
    </Section>
  )
}

/** The words of STIX appendix A, "none / low / medium / high". */
function Confidence({ value }: { value: number }) {
  const { t } = useTranslation()
  const word = value === 0 ? 'none' : value < 30 ? 'low' : value < 70 ? 'medium' : 'high'
  return (
    <span className={classes.confidence}>
      {value} / 100 <span>{t(`confidence.${word}`)}</span>
      <span className={classes.meter} aria-hidden><span style={{ width: `${value}%` }} /></span>
    </span>
  )
}

function Versions({ detail }: { detail: ObjectDetail }) {
  const { t } = useTranslation()
  return (
    <div className={classes.tableWrap} tabIndex={0} role="group" aria-label={t('object.versionList')}>
      <table className={classes.table}>
        <thead><tr><th>{t('object.version')}</th><th>{t('object.taken')}</th><th>{t('object.sequence')}</th><th>SHA-256</th></tr></thead>
        <tbody>
          {detail.versions.map((version) => (
            <tr key={version.sequence} aria-current={version.sequence === detail.summary.sequence || undefined}>
              <td>
                <Link className="text-link" to={version.version === null ? '' : `?version=${encodeURIComponent(version.version)}`}>{version.version ?? t('object.unversioned')}</Link>
                {version.sequence === detail.summary.sequence && <span className="quiet"> {t('object.shown')}</span>}
              </td>
              <td><Both at={version.date_added} /></td>
              <td>{exact(version.sequence)}</td>
              <td className="mono">{version.hash}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Routes detail={detail} />
    </div>
  )
}

/** By which hubs the versions came: the origin first. */
function Routes({ detail }: { detail: ObjectDetail }) {
  const { t } = useTranslation()
  const routes = detail.routes ?? []
  if (routes.length === 0) return null
  return (
    <table className={classes.table}>
      <caption>{t('object.routes')}</caption>
      <thead><tr><th>{t('object.routeOrigin')}</th><th>{t('object.routeHops')}</th><th>{t('object.routeAgreement')}</th><th>{t('object.taken')}</th></tr></thead>
      <tbody>
        {routes.map((route) => (
          <tr key={`${route.version_key} ${route.peer}`}>
            <td>{route.organisation}</td>
            <td>{route.hops.map((hop) => hop.peer ?? hop.hub.slice(0, 8)).join(' → ')}{!route.held && <span className="quiet"> {t('object.routeEnded')}</span>}</td>
            <td>{route.agreement ?? '—'}</td>
            <td><Both at={route.received} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Raw({ detail }: { detail: ObjectDetail }) {
  const { t } = useTranslation()
  const json = JSON.stringify(detail.object, null, 2)
  return (
    <figure className={classes.pattern}>
      <figcaption>{t('object.asWritten')} <Copy text={json} /></figcaption>
      <pre tabIndex={0} className={classes.json}><code>{json}</code></pre>
    </figure>
  )
}

/** Who can see it: for its originator and the coordinator by organisation and reason, for everybody else by role. */
function WhoSees({ detail }: { detail: ObjectDetail }) {
  const { t } = useTranslation()
  const { organisation } = useSession()
  const { id, originator, marking } = detail.summary
  const isEntitled = originator === organisation.id || organisation.role === 'coordinator'
  const audience = useAudience(id, isEntitled)
  return (
    <div className={classes.audience}>
      <Marking marking={marking} />
      <p className="prose">{t(`marking.meaning.${marking.tlp ?? 'none'}`)}</p>
      {isEntitled ? (
        audience.error ? <ErrorNote error={audience.error} retry={() => void audience.refetch()} /> : !audience.data ? <Waiting lines={6} /> : (
          <>
            <AudienceList audience={audience.data} object={id} />
            <p className="quiet">{t('audienceOf.asked')} {t('common.asOf')} <Ago at={new Date(audience.dataUpdatedAt).toISOString()} /></p>
          </>
        )
      ) : <ByRole detail={detail} />}
    </div>
  )
}

function ByRole({ detail }: { detail: ObjectDetail }) {
  const { t } = useTranslation()
  return (
    <>
      <h3>{t('object.audience')}</h3>
      {detail.audience.length === 0 ? <Empty title={t('object.nobody')} /> : <ul className={classes.who}>{detail.audience.map((who) => <li key={who}>{t(`audience.${who}`, { defaultValue: who })}</li>)}</ul>}
      <h3>{t('object.because')}</h3>
      <ul className={classes.who}>{detail.because.map((policy) => <li key={policy}>{t(`policies.${policy}`, { defaultValue: '' })} <code className="mono quiet">{policy}</code></li>)}</ul>
      <p className="quiet">{t('object.becauseNote')}</p>
    </>
  )
}
