import { BookOpen, GitBranch, Hand, Repeat, Split, Terminal, UserCheck, Waypoints, type LucideIcon } from 'lucide-react'
import { useRef, type KeyboardEvent, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { PlaybookGraph, PlaybookStep } from '../../api/response.ts'
import { layout, neighbour, type Layout, type Placed } from './layout.ts'
import classes from './picture.module.css'
import { stepTone, type StepStanding } from './standing.ts'
import { useStepName } from './words.ts'

const PITCH = 186
const WIDTH = 166
const HEIGHT = 62
const DOT = 14
/** How much there is between two rows: room for a way's word. */
const GAP = 40
const EDGE = 16

export interface FlowProps {
  graph: PlaybookGraph
  chosen: string | null
  onChoose: (id: string) => void
  /** Of a run: where each step stands. */
  standings?: Map<string, StepStanding>
}

const isDot = (kind: string) => kind === 'start' || kind === 'end'

/** The picture of a playbook's graph. */
export function laid(graph: PlaybookGraph): Layout {
  const starts = [graph.start, graph.exception].filter((id) => id != null)
  return layout(graph.steps.map(({ id }) => id), graph.edges.map(({ from, to, kind, case: name }) => ({ from, to, when: kind, label: name ?? null })), starts)
}

interface Spot extends Placed {
  step: PlaybookStep
  left: number
  top: number
  height: number
}

/** A playbook as it is walked through, from top to bottom. Every step is a button; arrow keys go along the ways. */
export function Flow({ graph, chosen, onChoose, standings }: FlowProps) {
  const { t } = useTranslation()
  const frame = useRef<HTMLDivElement>(null)
  const drawn = laid(graph)
  const byId = new Map(graph.steps.map((step) => [step.id, step]))
  const tops = rowTops(drawn, byId)
  const spots = drawn.steps.flatMap((placed): Spot[] => {
    const step = byId.get(placed.id)
    const row = tops.rows[placed.row]
    if (!step || !row) return []
    const height = isDot(step.kind) ? DOT : HEIGHT
    return [{ ...placed, step, left: EDGE + placed.x * PITCH - WIDTH / 2, top: row.top + (row.height - height) / 2, height }]
  })
  const at = new Map(spots.map((spot) => [spot.id, spot]))
  const current = chosen !== null && at.has(chosen) ? chosen : spots[0]?.id
  const move = (event: KeyboardEvent, from: string) => {
    const to = neighbour(event.key, from, drawn)
    if (to === undefined) return
    event.preventDefault()
    event.stopPropagation()
    onChoose(to)
    frame.current?.querySelector<HTMLElement>(`[data-step="${CSS.escape(to)}"]`)?.focus()
  }
  const [width, height] = [2 * EDGE + drawn.columns * PITCH, tops.height]
  return (
    <div ref={frame} className={classes.frame} role="group" aria-label={t('response.picture', { count: graph.steps.length })}>
      <div className={classes.sheet} style={{ width, height }}>
        <svg className={classes.ways} width={width} height={height} aria-hidden>
          <defs>
            <marker id="way-end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" /></marker>
          </defs>
          {drawn.ways.map((way) => <WayLine key={`${way.from} ${way.to} ${way.when} ${way.label ?? ''}`} way={way} at={at} incoming={drawn.ways.filter(({ to }) => to === way.to).length} />)}
        </svg>
        {spots.map((spot) => (
          <Box
            key={spot.id}
            spot={spot}
            standing={standings?.get(spot.id) ?? (standings ? 'untouched' : undefined)}
            isChosen={spot.id === chosen}
            isCurrent={spot.id === current}
            isException={spot.id === graph.exception}
            next={drawn.ways.filter(({ from }) => from === spot.id).flatMap(({ to }) => byId.get(to) ?? [])}
            onChoose={onChoose}
            onMove={move}
          />
        ))}
      </div>
    </div>
  )
}

/** Rows that hold nothing but dots are low. */
function rowTops(drawn: Layout, byId: Map<string, PlaybookStep>) {
  let top = EDGE
  const rows = Array.from({ length: drawn.rows }, (_, number) => {
    const height = drawn.steps.some(({ id, row }) => row === number && !isDot(byId.get(id)?.kind ?? '')) ? HEIGHT : DOT
    const row = { top, height }
    top += height + (height === DOT ? GAP * 0.65 : GAP)
    return row
  })
  return { rows, height: top }
}

function WayLine({ way, at, incoming }: { way: Layout['ways'][number]; at: Map<string, Spot>; incoming: number }) {
  const { t } = useTranslation()
  const [from, to] = [at.get(way.from), at.get(way.to)]
  if (!from || !to) return null
  const [x1, y1, x2, y2] = [from.left + WIDTH / 2, from.top + from.height, to.left + WIDTH / 2, to.top]
  // A way that several share turns just above where they meet; every other one just below where it leaves.
  const turn = way.joins || incoming > 1 ? y2 - GAP * 0.4 : y1 + GAP * 0.35
  const path = way.returns
    ? `M${from.left} ${y1 - from.height / 2}h-10V${to.top + to.height / 2}h10`
    : x1 === x2 ? `M${x1} ${y1}V${y2 - 1}` : `M${x1} ${y1}V${turn}H${x2}V${y2 - 1}`
  const word = wayWord(way, t)
  return (
    <g className={classes.way} data-joins={way.joins} data-returns={way.returns} data-failure={way.when === 'on_failure' || undefined}>
      <path d={path} markerEnd="url(#way-end)" />
      {word !== null && !way.joins && <text x={x2} y={y2 - 9}>{word}</text>}
    </g>
  )
}

/** What a way is taken for, in words; nothing where it is the only one. */
export function wayWord(way: { when: string; label?: string | null }, t: (key: string, options?: Record<string, unknown>) => string): string | null {
  if (way.when === 'on_completion') return null
  if (way.when !== 'branch') return t(`response.ways.${way.when}`, { defaultValue: way.when })
  if (way.label == null || /^\d+$/u.test(way.label)) return null
  return t(`response.ways.${way.label}`, { defaultValue: way.label })
}

const ICONS: Record<string, LucideIcon> = {
  parallel: Split, 'if-condition': GitBranch, 'while-condition': Repeat, 'switch-condition': Waypoints, 'playbook-action': BookOpen,
}
/** What kind of step it is, at a glance. */
function Sign({ step }: { step: PlaybookStep }) {
  const shape = { size: 13, strokeWidth: 1.75, 'aria-hidden': true }
  const Fork = ICONS[step.kind]
  if (Fork) return <Fork {...shape} />
  return step.commands.every(({ kind }) => kind === 'manual') ? <Hand {...shape} /> : <Terminal {...shape} />
}

interface BoxProps {
  spot: Spot
  standing: StepStanding | undefined
  isChosen: boolean
  isCurrent: boolean
  isException: boolean
  next: PlaybookStep[]
  onChoose: (id: string) => void
  onMove: (event: KeyboardEvent, from: string) => void
}

function Box({ spot: { id, step, left, top, height }, standing, isChosen, isCurrent, isException, next, onChoose, onMove }: BoxProps) {
  const { t } = useTranslation()
  const name = useStepName()
  const kind = kindWord(step, t)
  const status = standing === undefined || standing === 'untouched' ? null : t(`response.steps.${standing}`)
  const approvals = step.safeguards?.approvals ?? null
  const isEnd = isDot(step.kind)
  const said = [isEnd ? name(step) : null, isEnd ? kind : null, isEnd ? status : null, isEnd || status === null ? null : kind, isException && status !== null ? t('response.exception') : null,
    approvals === null ? null : t('response.needsApprovals', { count: approvals }),
    next.length === 0 ? null : t('response.leadsTo', { names: next.map(name).join(' / ') })].filter((part) => part !== null).join('. ')
  return (
    <button
      type="button"
      className={classes.step}
      data-step={id}
      data-dot={isEnd || undefined}
      data-fork={!isEnd && step.kind !== 'action' ? true : undefined}
      data-tone={standing === undefined ? undefined : stepTone(standing)}
      data-standing={standing}
      style={{ left, top, width: WIDTH, height }}
      tabIndex={isCurrent ? 0 : -1}
      aria-pressed={isChosen}
      aria-label={isEnd ? said : undefined}
      onClick={() => onChoose(id)}
      onKeyDown={(event) => onMove(event, id)}
    >
      {isEnd ? <span className={classes.dot} data-kind={step.kind} /> : (
        <>
          <span className={classes.name}>{name(step)}</span>
          <span className={classes.meta}>
            <Sign step={step} />
            <span>{status ?? (isException ? t('response.exception') : kind)}</span>
            {approvals !== null && <span className={classes.approvals}><UserCheck size={12} aria-hidden /> {approvals}</span>}
          </span>
          <span className="sr-only">{said}</span>
        </>
      )}
    </button>
  )
}

export function kindWord(step: PlaybookStep, t: (key: string, options?: Record<string, unknown>) => string): string {
  if (step.kind !== 'action') return t(`response.kinds.${step.kind}`, { defaultValue: step.kind })
  const kinds = [...new Set(step.commands.map(({ kind }) => kind))]
  return kinds.map((kind) => t(`response.commands.${kind}`, { defaultValue: kind })).join(' · ')
}

/** The same as text: every step in order, what it is, and what comes after it; under the chosen one what is given to stand there. */
export function Outline({ graph, chosen, onChoose, standings, children }: FlowProps & { children?: ReactNode }) {
  const { t } = useTranslation()
  const name = useStepName()
  const drawn = laid(graph)
  const byId = new Map(graph.steps.map((step) => [step.id, step]))
  const shown = drawn.order.flatMap((id) => byId.get(id) ?? []).filter((step) => step.kind !== 'end' || step.name != null)
  return (
    <ol className={classes.outline} aria-label={t('response.outline')}>
      {shown.map((step) => {
        const standing = standings?.get(step.id)
        const ways = graph.edges.filter(({ from }) => from === step.id)
        return (
          <li key={step.id}>
            <button type="button" className={classes.line} aria-pressed={step.id === chosen} onClick={() => onChoose(step.id)}>
              <strong>{name(step)}</strong>
              <span className="quiet">{kindWord(step, t)}</span>
              {standing !== undefined && <span className={classes.word} data-tone={stepTone(standing)}>{t(`response.steps.${standing}`)}</span>}
            </button>
            {ways.length > 0 && (
              <ul className={classes.next}>
                {ways.map((way) => {
                  const to = byId.get(way.to)
                  const word = wayWord({ when: way.kind, label: way.case ?? null }, t)
                  return <li key={`${way.kind} ${way.case ?? ''} ${way.to}`}>{word !== null && `${word} `}→ {to ? name(to) : way.to}</li>
                })}
              </ul>
            )}
            {step.id === chosen && children !== undefined && <div className={classes.inside}>{children}</div>}
          </li>
        )
      })}
    </ol>
  )
}
