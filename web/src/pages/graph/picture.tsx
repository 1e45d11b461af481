import { Button } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useState, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'

import type { Graph, GraphNode } from '../../api/finding.ts'
import { useObjectName } from '../../components/object-name.ts'
import { typeWord } from '../../components/type-word.ts'
import classes from './graph.module.css'

const WIDTH = 1000
const HEIGHT = 660
const EDGE_X = 100
const EDGE_Y = 50
const NAME_MAX = 22

interface PictureProps {
  graph: Graph
  chosen: string[]
  onChoose: (id: string, also: boolean) => void
  onOpen: (id: string) => void
}

/** The graph as the hub laid it out. Plain SVG: a few hundred nodes need no library, and each is a button of its own. */
export function Picture({ graph, chosen, onChoose, onOpen }: PictureProps) {
  const { t } = useTranslation()
  const [zoom, setZoom] = useState(1)
  // On a phone the whole picture is a third as wide: marks stay large enough for a finger, and only what is chosen is named.
  const isNarrow = useMediaQuery('(max-width: 700px)') ?? false
  const drawn = zoom / (isNarrow ? 2.4 : 1)
  const place = new Map(graph.nodes.map((node) => [node.id, { x: EDGE_X + node.x * (WIDTH - 2 * EDGE_X), y: EDGE_Y + node.y * (HEIGHT - 2 * EDGE_Y) }]))
  const [width, height] = [WIDTH / zoom, HEIGHT / zoom]
  const middle = place.get(chosen[0] ?? '') ?? { x: WIDTH / 2, y: HEIGHT / 2 }
  const left = zoom === 1 ? 0 : Math.max(0, Math.min(WIDTH - width, middle.x - width / 2))
  const top = zoom === 1 ? 0 : Math.max(0, Math.min(HEIGHT - height, middle.y - height / 2))
  const touches = new Set(graph.edges.flatMap((edge) => chosen.includes(edge.source) || chosen.includes(edge.target) ? [edge.source, edge.target] : []))
  return (
    <figure className={classes.figure}>
      <svg viewBox={`${left} ${top} ${width} ${height}`} className={classes.picture} role="group" aria-label={t('graph.label', { nodes: graph.nodes.length, edges: graph.edges.length })}>
        <g aria-hidden>
          {graph.edges.map((edge) => {
            const [a, b] = [place.get(edge.source), place.get(edge.target)]
            if (!a || !b) return null
            const lit = chosen.includes(edge.source) || chosen.includes(edge.target)
            return (
              <g key={`${edge.source} ${edge.target} ${edge.object ?? edge.kind}`} className={classes.edge} data-lit={lit || undefined}>
                <line x1={a.x} y1={a.y} x2={b.x} y2={b.y} strokeWidth={(lit ? 2 : 1) / drawn} />
                {(lit ? !isNarrow || zoom > 1.5 : !isNarrow && graph.edges.length <= 24) && <text x={(a.x + b.x) / 2} y={(a.y + b.y) / 2 - 4 / drawn} fontSize={10 / drawn}>{t(`relations.${edge.kind}`, { defaultValue: edge.kind })}</text>}
              </g>
            )
          })}
        </g>
        {graph.nodes.map((node) => (
          <Node
            key={node.id}
            node={node}
            at={place.get(node.id) ?? middle}
            zoom={drawn}
            chosen={chosen.includes(node.id)}
            named={isNarrow ? chosen.includes(node.id) || zoom > 2 || (chosen.length === 0 && node.expanded) : graph.nodes.length <= 60 || zoom > 1.5 || chosen.includes(node.id) || touches.has(node.id)}
            onChoose={onChoose}
            onOpen={onOpen}
          />
        ))}
      </svg>
      <figcaption className={classes.caption}>
        <span>{t('graph.legend')}</span>
        <span className={classes.zoom}>
          <Button size="compact-xs" variant="default" aria-label={t('graph.zoomOut')} disabled={zoom <= 1} onClick={() => setZoom(Math.max(1, zoom / 1.5))}>−</Button>
          <Button size="compact-xs" variant="default" aria-label={t('graph.zoomIn')} disabled={zoom >= 6} onClick={() => setZoom(Math.min(6, zoom * 1.5))}>+</Button>
        </span>
      </figcaption>
    </figure>
  )
}

interface NodeProps {
  node: GraphNode
  at: { x: number; y: number }
  zoom: number
  chosen: boolean
  named: boolean
  onChoose: (id: string, also: boolean) => void
  onOpen: (id: string) => void
}

function Node({ node, at, zoom, chosen, named, onChoose, onOpen }: NodeProps) {
  const { t } = useTranslation()
  const objectName = useObjectName()
  const size = 9 / zoom
  const kind = typeWord(node.object?.object_type ?? node.kind ?? '', t)
  const name = objectName(node.id, node.name)
  const short = name.length > NAME_MAX ? `${name.slice(0, NAME_MAX - 1)}…` : name
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') onChoose(node.id, event.shiftKey)
    else if (event.key === ' ') onChoose(node.id, true)
    else if (event.key === 'e') onOpen(node.id)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <g className={classes.node} data-chosen={chosen || undefined} data-expanded={node.expanded || undefined} data-value={node.object === undefined || undefined} transform={`translate(${at.x} ${at.y})`}>
      <g
        className={classes.button}
        data-node={node.id}
        role="button"
        tabIndex={0}
        aria-pressed={chosen}
        aria-label={`${name}, ${kind}`}
        onClick={(event) => onChoose(node.id, event.shiftKey)}
        onDoubleClick={() => onOpen(node.id)}
        onKeyDown={onKeyDown}
      >
        {/* A target of at least 24 by 24 (WCAG 2.2, 2.5.8). */}
        <circle className={classes.target} r={16 / zoom} />
        {node.object === undefined
          ? <rect className={classes.mark} x={-size} y={-size} width={2 * size} height={2 * size} strokeWidth={2 / zoom} />
          : <circle className={classes.mark} r={size} strokeWidth={2 / zoom} />}
      </g>
      {/* The name may be cut here; the button's own name is whole. */}
      <g aria-hidden>
        {named && <text y={size + 13 / zoom} fontSize={12 / zoom}>{short}</text>}
        {named && node.object !== undefined && <text className={classes.kind} y={size + 25 / zoom} fontSize={9.5 / zoom}>{kind}</text>}
      </g>
    </g>
  )
}
