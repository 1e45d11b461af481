import { Checkbox } from '@mantine/core'
import { useTranslation } from 'react-i18next'

import type { Graph } from '../../api/finding.ts'
import { useObjectName } from '../../components/object-name.ts'
import { typeWord } from '../../components/type-word.ts'
import classes from './graph.module.css'

/** The same graph as two tables: every node, and every tie. */
export function GraphList({ graph, chosen, onChoose, onOpen }: { graph: Graph; chosen: string[]; onChoose: (id: string, also: boolean) => void; onOpen: (id: string) => void }) {
  const { t } = useTranslation()
  const objectName = useObjectName()
  const name = (id: string) => objectName(id, graph.nodes.find((node) => node.id === id)?.name ?? id)
  return (
    <div className={classes.tables} role="group" aria-label={t('graph.list')} tabIndex={0}>
      <table className={classes.table}>
        <thead><tr><th scope="col">{t('graph.node')}</th><th scope="col">{t('graph.kind')}</th><th scope="col">{t('graph.expand')}</th></tr></thead>
        <tbody>
          {graph.nodes.map((node) => (
            <tr key={node.id} data-chosen={chosen.includes(node.id) || undefined}>
              <td><Checkbox size="xs" label={name(node.id)} checked={chosen.includes(node.id)} onChange={() => onChoose(node.id, true)} /></td>
              <td>{typeWord(node.object?.object_type ?? node.kind ?? '', t)}</td>
              <td>{node.expanded ? <span className="quiet">{t('graph.expanded')}</span> : <button type="button" className="text-link" aria-label={`${t('graph.expand')}: ${name(node.id)}`} onClick={() => onOpen(node.id)}>{t('graph.expand')}</button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <table className={classes.table}>
        <thead><tr><th scope="col">{t('graph.from')}</th><th scope="col">{t('graph.tie')}</th><th scope="col">{t('graph.until')}</th><th scope="col">{t('graph.since')}</th></tr></thead>
        <tbody>
          {graph.edges.map((edge) => (
            <tr key={`${edge.source} ${edge.target} ${edge.object ?? edge.kind}`}>
              <td>{name(edge.source)}</td>
              <td>{t(`relations.${edge.kind}`, { defaultValue: edge.kind })}</td>
              <td>{name(edge.target)}</td>
              <td>{edge.from?.slice(0, 10) ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
