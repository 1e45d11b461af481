import { Button, SegmentedControl, Select } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { Play } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams, useSearchParams } from 'react-router'

import { usePlaybook, type Playbook, type PlaybookAgent, type PlaybookGraph } from '../../api/response.ts'
import { useMay } from '../../api/session.ts'
import { Copy } from '../../components/copy.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { useJoin } from '../agreements/words.ts'
import { Coded } from './coded.tsx'
import { Findings } from './findings.tsx'
import { Mark } from './mark.tsx'
import { Flow, Outline } from './picture.tsx'
import classes from './response.module.css'
import { signatureOf, type StepStanding } from './standing.ts'
import { Start } from './start.tsx'
import { StepDetails } from './step.tsx'
import { shown } from './values.ts'
import { useSaid } from './words.ts'

/** One playbook: what will happen, who must say yes, and how it is undone. */
export default function PlaybookPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const [parameters, setParameters] = useSearchParams()
  const said = useSaid()
  const mayRun = useMay('run-playbooks')
  const version = parameters.get('version') ?? undefined
  const playbook = usePlaybook(id, version)
  const [starting, setStarting] = useState(false)
  const above = <Link className="text-link" to="/response/playbooks">{t('response.parts.playbooks')}</Link>
  if (playbook.error) return <Page title={t('response.playbook')} above={above}><ErrorNote error={playbook.error} retry={() => void playbook.refetch()} /></Page>
  if (!playbook.data) return <Page title={t('response.playbook')} above={above}><Waiting lines={10} /></Page>
  const { summary, versions } = playbook.data
  const actions = (
    <>
      {versions.length > 1 && <Select size="xs" aria-label={t('response.version')} allowDeselect={false} value={summary.modified} onChange={(value) => setParameters(value === null || value === versions[0] ? {} : { version: value })} data={versions} />}
      {mayRun && summary.runnable && <Button size="xs" leftSection={<Play size={14} aria-hidden />} onClick={() => setStarting(true)}>{t('response.run')}</Button>}
    </>
  )
  return (
    <Page title={said(summary.name)} above={above} actions={actions}>
      <Facts one={playbook.data} />
      <Section id="steps" title={t('response.stepsTitle')} aside={t('response.stepCount', { count: playbook.data.graph.steps.length })}>
        <GraphView graph={playbook.data.graph} agents={playbook.data.agents} />
      </Section>
      <div className={classes.halves}>
        <Section id="variables" title={t('response.variables')} aside={String(playbook.data.variables.length)}><Variables one={playbook.data} /></Section>
        <Section id="findings" title={t('response.findings')} aside={String(playbook.data.findings.length)}><Findings findings={playbook.data.findings} /></Section>
      </div>
      {starting && <Start playbook={playbook.data} onClose={() => setStarting(false)} />}
    </Page>
  )
}

function Facts({ one }: { one: Playbook }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const said = useSaid()
  const join = useJoin()
  const name = useOrganisationName()
  const { summary } = one
  const signature = signatureOf(summary)
  return (
    <div className={classes.intro}>
      {summary.description != null && <p className={classes.lead}>{said(summary.description)}</p>}
      <p className={classes.marks}>
        {!summary.runnable && <Mark tone="bad" word={t(summary.revoked ? 'response.revoked' : 'response.cannotRun')} />}
        <Mark tone={signature === 'unsigned' ? 'warn' : 'plain'} word={t(`response.signatures.${signature}`)} />
        {summary.signers.length > 0 && <span>{t('response.signedBy', { names: join(summary.signers.map(name)) })}</span>}
        {summary.organisation_name != null && <span className="quiet">{inLanguage(summary.organisation_name, language)}</span>}
        <span className="quiet">{t('response.version')} <Ago at={summary.modified} /></span>
        <span className="quiet">SHA-256 <code title={one.digest}>{one.digest.slice(0, 16)}</code> <Copy text={one.digest} /></span>
      </p>
      {!summary.runnable && summary.why_not != null && <p className={classes.notice} role="note"><Coded table="playbookReasons" text={summary.why_not} known={summary.why_not_reason} /></p>}
    </div>
  )
}

/** Picture or text on the left, the chosen step on the right. */
export function GraphView({ graph, agents, standings, first }: { graph: PlaybookGraph; agents?: PlaybookAgent[]; standings?: Map<string, StepStanding>; first?: string | null }) {
  const { t } = useTranslation()
  const isNarrow = useMediaQuery('(max-width: 700px)') ?? false
  // Where there is no room beside the list, a step opens where it stands in it.
  const isInside = useMediaQuery('(max-width: 1100px)') ?? false
  const [view, setView] = useState<'picture' | 'text' | null>(null)
  const [chosen, setChosen] = useState<string | null>(null)
  const current = chosen ?? first ?? graph.edges.find(({ from }) => from === graph.start)?.to ?? graph.steps[0]?.id ?? null
  const shows = view ?? (isNarrow ? 'text' : 'picture')
  const props = { graph, chosen: current, onChoose: setChosen, ...(standings ? { standings } : {}) }
  const details = <StepDetails step={graph.steps.find(({ id }) => id === current)} graph={graph} {...(agents ? { agents } : {})} />
  return (
    <>
      <SegmentedControl className="screen-only" size="xs" mb={10} aria-label={t('response.view')} value={shows} onChange={(value) => setView(value === 'text' ? 'text' : 'picture')} data={[{ value: 'picture', label: t('response.asPicture') }, { value: 'text', label: t('response.asText') }]} />
      <div className={classes.columns}>
        {shows === 'picture' ? <Flow {...props} /> : <Outline {...props}>{isInside ? details : undefined}</Outline>}
        {!(shows === 'text' && isInside) && <aside className={classes.aside} aria-label={t('response.chosenStep')} aria-live="polite">{details}</aside>}
      </div>
    </>
  )
}

function Variables({ one }: { one: Playbook }) {
  const { t } = useTranslation()
  const said = useSaid()
  if (one.variables.length === 0) return <p className="quiet">{t('response.noVariables')}</p>
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('response.variables')}>
      <table className={classes.table}>
        <thead><tr><th scope="col">{t('response.name')}</th><th scope="col">{t('response.what')}</th><th scope="col">{t('response.value')}</th></tr></thead>
        <tbody>
          {one.variables.map((variable) => (
            <tr key={variable.name}>
              <th scope="row"><code>{variable.name}</code><span className={classes.under}>{variable.kind}{variable.external && ` · ${t('response.external')}`}{variable.constant && ` · ${t('response.constant')}`}</span></th>
              <td>{variable.description == null ? '–' : said(variable.description)}</td>
              <td><code>{shown(variable.value) === '' ? '–' : shown(variable.value)}</code></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
