import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useParams } from 'react-router'

import { call } from '../../api/client.ts'
import { useEdge } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { EdgeStatus } from '../../api/types.ts'
import { Confirm } from '../../components/confirm.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Health } from '../../components/health.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { sectorWords } from '../../components/sector-word.ts'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { bytes, exact, short } from '../../format/number.ts'
import { span } from '../../format/time.ts'
import { useLanguage } from '../../i18n.ts'
import { SetState, Trouble } from './edges.tsx'
import classes from './edges.module.css'

export default function EdgePage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const edge = useEdge(id)
  const back = <Link to="/edges" className="text-link">{t('places.edges')}</Link>
  if (edge.error && !edge.data) return <Page title={t('edges.edge')} above={back}><ErrorNote error={edge.error} retry={() => void edge.refetch()} /></Page>
  if (!edge.data) return <Page title={t('edges.edge')} above={back}><Waiting /></Page>
  return <Loaded edge={edge.data} />
}

function Loaded({ edge }: { edge: EdgeStatus }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  const mayRemove = useMay('administer')
  const [removing, { open, close }] = useDisclosure(false)
  const navigate = useNavigate()
  const client = useQueryClient()
  const { say } = useToasts()
  const gone = () => {
    say(t('edges.removed'))
    client.removeQueries({ queryKey: ['edge', edge.id] })
    void client.invalidateQueries({ queryKey: ['edges'] })
    void navigate('/edges')
  }
  return (
    <Page
      actions={mayRemove && <Button variant="default" size="xs" leftSection={<Trash2 size={15} />} onClick={open}>{t('edges.remove')}</Button>}
      title={inLanguage(edge.name, language)}
      above={<><Link to="/edges" className="text-link">{t('places.edges')}</Link> / {edge.id}</>}
      aside={
        <>
          <Health health={edge.health} />
          {edge.heard !== null && <span>{t('edges.heard')} <Ago at={edge.heard} /></span>}
          <span>{name(edge.organisation)}</span>
          <span>{sectorWords(edge.sectors, t, language)}</span>
        </>
      }
    >
      <Confirm opened={removing} onClose={close} title={t('edges.removeTitle')} act={t('edges.remove')} run={() => call<void>('DELETE', `/api/v1/edges/${encodeURIComponent(edge.id)}`)} onDone={gone}>
        <p><strong>{inLanguage(edge.name, language)}</strong> <span className="mono">{edge.id}</span></p>
        <p>{t('edges.removeWhy')}</p>
      </Confirm>
      {edge.hello?.trouble != null && <p className={classes.alarm} role="status"><Trouble code={edge.hello.trouble} /> {t(`troubleDo.${edge.hello.trouble}`, { defaultValue: '' })}</p>}
      <Figures edge={edge} />
      <Section id="sources" title={t('edges.sources')} aside={t('edges.sourcesAside')}><Sources edge={edge} /></Section>
      <Section id="ledger" title={t('edges.ledger')} aside={edge.ledger.length > 0 && t('edges.ledgerAside', { count: edge.ledger.length })}><Ledger edge={edge} /></Section>
    </Page>
  )
}

function Figures({ edge }: { edge: EdgeStatus }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const hello = edge.hello
  if (hello === null) return <p className={classes.never}>{t('edges.neverHeard')}</p>
  const figures: [string, number][] = [['records', hello.records], ['matches', hello.matches], ['sent', hello.sent], ['waiting', hello.waiting], ['withheld', hello.withheld]]
  return (
    <>
      <dl className={classes.figures}>
        {figures.map(([label, value]) => (
          <div key={label}><dt>{t(`edges.column.${label}`)}</dt><dd title={exact(value)}>{short(value, language)}</dd></div>
        ))}
      </dl>
      <dl className={classes.set2}>
        <div><dt>{t('edges.column.set')}</dt><dd><SetState edge={edge} /></dd></div>
        <div><dt>{t('edges.generation')}</dt><dd>{exact(hello.generation)} <span className="quiet">{t('edges.needs', { text: exact(edge.current_generation) })}</span></dd></div>
        <div><dt>{t('edges.refused')}</dt><dd>{exact(hello.refused)}</dd></div>
        {(hello.quarantined ?? 0) > 0 && <div><dt>{t('edges.heldBack')}</dt><dd>{exact(hello.quarantined ?? 0)} {hello.quarantined_indicators?.map((id) => <Link key={id} className={`text-link mono ${classes.id}`} to={`/intelligence/${id}`}>{id.slice(11, 19)} </Link>)}</dd></div>}
        <div><dt>{t('edges.version')}</dt><dd>{hello.version}</dd></div>
      </dl>
    </>
  )
}

function Sources({ edge }: { edge: EdgeStatus }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const sources = edge.hello?.sources ?? []
  if (sources.length === 0) return <p className="quiet">{t('edges.noSources')}</p>
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('edges.sources')}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th>{t('edges.source.name')}</th><th>{t('edges.source.format')}</th>
            <th data-number>{t('edges.column.lag')}</th><th data-number>{t('edges.source.behind')}</th>
            <th data-number>{t('edges.column.records')}</th><th data-number>{t('edges.source.unreadable')}</th>
          </tr>
        </thead>
        <tbody>
          {sources.map((source) => (
            <tr key={source.name}>
              <th scope="row">{source.name}</th>
              <td>{source.format}</td>
              <td data-number>{source.lag_seconds === null ? '–' : span(Math.round(source.lag_seconds), language)}</td>
              <td data-number>{bytes(source.behind_bytes)}</td>
              <td data-number title={exact(source.records)}>{short(source.records, language)}</td>
              <td data-number data-bad={source.unreadable > 0 || undefined}>{exact(source.unreadable)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Everything that left the operator's building, kind by kind. */
function Ledger({ edge }: { edge: EdgeStatus }) {
  const { t } = useTranslation()
  const language = useLanguage()
  if (edge.ledger.length === 0) return <p className="quiet">{t('edges.nothingLeft')}</p>
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('edges.ledger')}>
      <table className={classes.table}>
        <thead><tr><th>{t('edges.left.at')}</th><th>{t('edges.left.indicator')}</th><th>{t('edges.left.contents')}</th><th>{t('edges.left.sighting')}</th></tr></thead>
        <tbody>
          {edge.ledger.map((entry) => (
            <tr key={entry.sighting}>
              <td><Both at={entry.at} /></td>
              <td><Link className="text-link" to={`/intelligence/${entry.indicator}`}>{inLanguage(entry.indicator_name, language)}</Link></td>
              <td><Contents contents={entry.contents} /></td>
              <td><Link className={`text-link mono ${classes.id}`} to={`/intelligence/${entry.sighting}`}>{entry.sighting.slice(10, 18)}</Link></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** `addresses: 2` in the reader's words. */
function Contents({ contents }: { contents: string[] }) {
  const { t } = useTranslation()
  return <>{contents.map((item) => {
    const [kind = '', count] = item.split(':').map((part) => part.trim())
    return <span key={item} className={classes.content}>{t(`contents.${kind}`, { defaultValue: kind })}{count !== undefined && ` ${count}`}</span>
  })}</>
}
