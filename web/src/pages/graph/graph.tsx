import { Button, RangeSlider, SegmentedControl } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'

import { readCommon, readPath, useGraph, type Graph, type GraphNode } from '../../api/finding.ts'
import { useMay } from '../../api/session.ts'
import { CaseAdder } from '../../components/case-adder.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { Marking } from '../../components/marking.tsx'
import { Page } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { typeWord } from '../../components/type-word.ts'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { date } from '../../format/time.ts'
import { defang } from '../../format/value.ts'
import { useLanguage } from '../../i18n.ts'
import { GraphList } from './list.tsx'
import { Picture } from './picture.tsx'
import classes from './graph.module.css'

const lines = (text: string | null) => (text ?? '').split('\n').filter(Boolean)

/** How things hang together: opened node by node, each view a link. */
export default function GraphPage() {
  const { t } = useTranslation()
  const [parameters, setParameters] = useSearchParams()
  const [chosen, setChosen] = useState<string[]>([])
  const nodes = lines(parameters.get('n'))
  const expand = lines(parameters.get('x'))
  const from = parameters.get('from') ?? ''
  const until = parameters.get('until') ?? ''
  const view = parameters.get('view') === 'list' ? 'list' : 'picture'
  const graph = useGraph({ nodes, expand, from, until })
  const change = (wanted: Record<string, string>) => setParameters((held) => {
    const next = new URLSearchParams(held)
    for (const [name, value] of Object.entries(wanted)) {
      if (value === '') next.delete(name)
      else next.set(name, value)
    }
    return next
  })
  const choose = (id: string, also: boolean) => setChosen((held) => {
    if (!also) return [id]
    return held.includes(id) ? held.filter((one) => one !== id) : [...held, id]
  })
  const open = (id: string) => change({ x: [...new Set([...expand, id])].join('\n') })
  const shownNodes = (wanted: string[], tied: string[]) => change({ n: [...new Set([...nodes, ...wanted])].join('\n'), x: [...new Set([...expand, ...tied])].join('\n') })
  const away = (ids: string[]) => {
    // What was opened stands around what is left; the rest is named, so that it stays.
    const kept = (graph.data?.nodes ?? []).map(({ id }) => id).filter((id) => !ids.includes(id)).slice(0, 100)
    change({ n: kept.join('\n'), x: expand.filter((id) => !ids.includes(id)).join('\n') })
    setChosen([])
  }
  return (
    <Page title={t('graph.title')} aside={graph.data && <Count graph={graph.data} />}>
      <FindTabs />
      {nodes.length === 0 ? <Empty title={t('graph.start')} action={<Link className="text-link" to="/intelligence">{t('places.intelligence')}</Link>}>{t('graph.startHint')}</Empty>
        : graph.error ? <ErrorNote error={graph.error} retry={() => void graph.refetch()} />
        : !graph.data ? <Waiting lines={8} />
        : (
          <>
            <div className={classes.bar}>
              <SegmentedControl size="xs" value={view} onChange={(value) => change({ view: value === 'list' ? 'list' : '' })} data={[{ value: 'picture', label: t('graph.picture') }, { value: 'list', label: t('graph.list') }]} />
              <Span graph={graph.data} from={from} until={until} onChange={(wanted) => change(wanted)} />
            </div>
            <Withheld graph={graph.data} />
            <div className={classes.columns}>
              {view === 'list'
                ? <GraphList graph={graph.data} chosen={chosen} onChoose={choose} onOpen={open} />
                : <Picture graph={graph.data} chosen={chosen} onChoose={choose} onOpen={open} />}
              <Aside graph={graph.data} chosen={chosen} onOpen={open} onAway={away} onShow={shownNodes} onAll={(ids) => setChosen(ids)} />
            </div>
          </>
        )}
    </Page>
  )
}

function Count({ graph }: { graph: Graph }) {
  const { t } = useTranslation()
  return (
    <>
      <span data-testid="graph-count">{t('graph.nodes', { count: graph.nodes.length })}</span>
      <span>{t('graph.edges', { count: graph.edges.length })}</span>
      <span>{t('common.asOf')} <Ago at={graph.as_of} /></span>
    </>
  )
}

function Withheld({ graph }: { graph: Graph }) {
  const { t } = useTranslation()
  const name = (id: string) => graph.nodes.find((node) => node.id === id)?.name ?? id
  if (graph.withheld.length === 0) return null
  return (
    <ul className={classes.withheld}>
      {graph.withheld.map((one) => <li key={one.node}>{one.reason === 'full' ? t('graph.full', { name: defang(name(one.node)) }) : t('graph.withheld', { name: defang(name(one.node)), degree: one.degree })}</li>)}
    </ul>
  )
}

const DAY = 86_400_000

/** The time that ties hold in: two thumbs over the whole of it. */
function Span({ graph, from, until, onChange }: { graph: Graph; from: string; until: string; onChange: (wanted: Record<string, string>) => void }) {
  const { t } = useTranslation()
  const [held, setHeld] = useState<[number, number] | null>(null)
  if (graph.earliest === undefined || graph.latest === undefined) return null
  const first = Math.floor(Math.min(Date.parse(graph.earliest), from === '' ? Infinity : Date.parse(from)) / DAY)
  const last = Math.ceil(Math.max(Date.parse(graph.latest), until === '' ? 0 : Date.parse(until)) / DAY)
  if (last <= first) return null
  const value: [number, number] = held ?? [from === '' ? first : Math.floor(Date.parse(from) / DAY), until === '' ? last : Math.ceil(Date.parse(until) / DAY)]
  const day = (count: number) => date(new Date(count * DAY).toISOString(), 'UTC')
  return (
    <div className={classes.span} role="group" aria-label={t('graph.slider')}>
      <span className="quiet">{day(value[0])}</span>
      <RangeSlider
        className={classes.slider ?? ''}
        size="sm"
        min={first}
        max={last}
        minRange={1}
        label={day}
        value={value}
        thumbFromLabel={t('graph.from')}
        thumbToLabel={t('graph.until')}
        onChange={setHeld}
        onChangeEnd={([a, b]) => {
          setHeld(null)
          onChange({
            from: a <= first ? '' : new Date(a * DAY).toISOString(),
            until: b >= last ? '' : new Date(b * DAY).toISOString(),
          })
        }}
      />
      <span className="quiet">{day(value[1])}</span>
      {(from !== '' || until !== '') && <Button size="compact-xs" variant="default" onClick={() => onChange({ from: '', until: '' })}>{t('graph.wholeTime')}</Button>}
    </div>
  )
}

interface AsideProps {
  graph: Graph
  chosen: string[]
  onOpen: (id: string) => void
  onAway: (ids: string[]) => void
  onShow: (nodes: string[], expand: string[]) => void
  onAll: (ids: string[]) => void
}

function Aside({ graph, chosen, onOpen, onAway, onShow, onAll }: AsideProps) {
  const { t } = useTranslation()
  const { say, fail } = useToasts()
  const mayWork = useMay('work-cases')
  const [adding, setAdding] = useState(false)
  const picked = chosen.map((id) => graph.nodes.find((node) => node.id === id)).filter((node) => node !== undefined)
  const ids = picked.map(({ id }) => id)
  const objects = picked.filter(({ object }) => object !== undefined).map(({ id }) => id)
  const path = useMutation({
    mutationFn: ([one, other]: [string, string]) => readPath(one, other),
    onSuccess: (found) => found.outcome === 'found' ? onShow(found.path, found.path) : say(t(found.outcome === 'none' ? 'graph.pathNone' : 'graph.pathGivenUp')),
    onError: fail,
  })
  const common = useMutation({
    mutationFn: (nodes: string[]) => readCommon(nodes),
    onSuccess: (found) => found.common.length === 0 ? say(t('graph.commonNone')) : onShow(found.common, found.graph.nodes.map(({ id }) => id).filter((id) => !found.common.includes(id))),
    onError: fail,
  })
  const [one, other] = ids
  const all = graph.nodes.filter(({ object }) => object !== undefined).map(({ id }) => id)
  return (
    <aside className={classes.aside} aria-label={t('graph.selected')}>
      <h2>{t('graph.selected')}</h2>
      {picked.length === 0 && <p className="quiet">{t('graph.nothingSelected')}</p>}
      <ul className={classes.picked}>{picked.map((node) => <li key={node.id}><Picked node={node} onOpen={onOpen} /></li>)}</ul>
      <div className={classes.actions}>
        {one !== undefined && other !== undefined && ids.length === 2 && <Button size="xs" variant="default" loading={path.isPending} onClick={() => path.mutate([one, other])}>{t('graph.path')}</Button>}
        {ids.length >= 2 && ids.length <= 8 && <Button size="xs" variant="default" loading={common.isPending} onClick={() => common.mutate(ids)}>{t('graph.common')}</Button>}
        {ids.length > 0 && ids.length < graph.nodes.length && <Button size="xs" variant="default" onClick={() => onAway(ids)}>{t('graph.remove')}</Button>}
        <Button size="xs" variant="default" onClick={() => onAll(all.slice(0, 200))}>{t('graph.all')}</Button>
        {mayWork && objects.length > 0 && <Button size="xs" onClick={() => setAdding(true)}>{t('graph.add', { count: objects.length })}</Button>}
      </div>
      {picked.length === 1 && <p className="quiet">{t('graph.pick')}</p>}
      <CaseAdder objects={objects} opened={adding} onClose={() => setAdding(false)} />
    </aside>
  )
}

function Picked({ node, onOpen }: { node: GraphNode; onOpen: (id: string) => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <div className={classes.one}>
      <strong>{inLanguage(defang(node.name), language)}</strong>
      <span className="quiet">{typeWord(node.object?.object_type ?? node.kind ?? '', t)}</span>
      {node.object && <Marking marking={node.object.marking} />}
      <span className={classes.links}>
        {node.expanded ? <span className="quiet">{t('graph.expanded')}</span> : <button type="button" className="text-link" onClick={() => onOpen(node.id)}>{t('graph.expand')}</button>}
        {node.object && <Link className="text-link" to={`/intelligence/${node.id}`}>{t('graph.openObject')}</Link>}
      </span>
    </div>
  )
}
