import { useQueries } from '@tanstack/react-query'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { call } from '../../api/client.ts'
import { useEdges } from '../../api/queries.ts'
import type { EdgeStatus } from '../../api/types.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useObjectName } from '../../components/object-name.ts'
import { CopyTable, useSort } from '../../components/table.tsx'
import { Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import classes from './oversight.module.css'

/** What left the operator's network through its edges: the newest of each edge's ledger, together. */
export function Left() {
  const { t } = useTranslation()
  const edges = useEdges()
  const objectName = useObjectName()
  const table = useRef<HTMLTableElement>(null)
  const each = useQueries({
    queries: (edges.data?.edges ?? []).map(({ id }) => ({ queryKey: ['edge', id], queryFn: ({ signal }: { signal: AbortSignal }) => call<EdgeStatus>('GET', `/api/v1/edges/${encodeURIComponent(id)}`, undefined, signal), refetchInterval: 30_000 })),
  })
  const rows = each.flatMap(({ data }) => (data ? data.ledger.map((entry) => ({ ...entry, edge: data.id, edgeName: data.name })) : []))
  const { sorted, head } = useSort(rows.toSorted((left, right) => Date.parse(right.at) - Date.parse(left.at)), {
    at: (row) => Date.parse(row.at), edge: (row) => row.edgeName, indicator: (row) => row.indicator_name, contents: (row) => row.contents.length,
  })
  if (edges.error) return <ErrorNote error={edges.error} retry={() => void edges.refetch()} />
  if (!edges.data || each.some(({ isPending }) => isPending)) return <Waiting />
  return (
    <>
      <p className={classes.intro}>{t('oversight.leftIntro')}</p>
      {rows.length === 0 ? <Empty title={t('oversight.leftNone')}>{t('oversight.leftNoneHint')}</Empty> : (
        <>
          <div className={classes.bar}><Count count={rows.length} updated={edges.dataUpdatedAt} /><CopyTable of={table} /></div>
          <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('oversight.asked.left')}>
            <table ref={table} className={classes.table}>
              <thead><tr>{head('at', t('oversight.usedAt'))}{head('edge', t('oversight.edge'))}{head('indicator', t('types.indicator'))}{head('contents', t('oversight.contents'))}</tr></thead>
              <tbody>
                {sorted.map((row) => (
                  <tr key={`${row.edge} ${row.sighting}`}>
                    <th scope="row"><Both at={row.at} /></th>
                    <td><Link className="text-link" to={`/edges/${row.edge}`}>{row.edgeName}</Link></td>
                    <td>{objectName(row.indicator, row.indicator_name)}</td>
                    <td>{row.contents.map((one) => t(`contents.${one}`, { defaultValue: one })).join(' · ')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </>
  )
}
