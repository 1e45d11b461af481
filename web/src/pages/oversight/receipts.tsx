import { Button } from '@mantine/core'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useAuthorisationsById, useReceipts, type CheckedReceipt } from '../../api/oversight.ts'
import { useMay } from '../../api/session.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { CopyTable, useSort } from '../../components/table.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { anomalies, yields, type Finding } from './anomalies.ts'
import { Tick } from './marks.tsx'
import classes from './oversight.module.css'
import { briefly } from './standing.ts'
import { useBase } from './words.ts'

/** What edges signed for: what is out of line first, then how much each authorisation was used, then every receipt. */
export function Receipts() {
  const { t } = useTranslation()
  const isCommission = useMay('decide-authorisation')
  const receipts = useReceipts()
  const rows = receipts.data?.pages.flatMap((page) => page.receipts) ?? []
  const authorisations = useAuthorisationsById([...new Set(rows.map((row) => row.authorisation))])
  if (receipts.error) return <ErrorNote error={receipts.error} retry={() => void receipts.refetch()} />
  if (!receipts.data) return <Waiting />
  if (rows.length === 0) return <Empty title={t('oversight.noReceipts')}>{t(isCommission ? 'oversight.noReceiptsHint' : 'oversight.noReceiptsOfUs')}</Empty>
  const found = anomalies(rows, authorisations, !receipts.hasNextPage)
  return (
    <>
      <Section id="anomalies" title={t('oversight.anomalies')} aside={t('oversight.anomaliesCount', { count: found.length })}>
        <Findings findings={found} of={rows.length} isWhole={!receipts.hasNextPage} />
      </Section>
      <Section id="yield" title={t('oversight.yield')}><Yield receipts={rows} reasons={(id) => authorisations.get(id)?.terms.reason} /></Section>
      <Section id="receipts" title={t('oversight.receipts')} aside={<Count count={rows.length} updated={receipts.dataUpdatedAt} more={receipts.hasNextPage} />}>
        <ReceiptTable receipts={rows} findings={found} />
        {receipts.hasNextPage && <Button variant="default" size="xs" loading={receipts.isFetchingNextPage} onClick={() => void receipts.fetchNextPage()}>{t('sharing.more')}</Button>}
      </Section>
    </>
  )
}

/** What is out of line, and what was looked for. */
export function Findings({ findings, of, isWhole, isOfOne = false }: { findings: readonly Finding[]; of: number; isWhole: boolean; isOfOne?: boolean }) {
  const { t } = useTranslation()
  const base = useBase()
  const name = useOrganisationName()
  if (findings.length === 0) return <p className={classes.hint}><Tick outcome word={t('oversight.noAnomalies', { text: exact(of) })} /> {t(isWhole ? 'oversight.anomaliesWhole' : 'oversight.anomaliesPart')}</p>
  return (
    <ul className={classes.findings}>
      {findings.map(({ anomaly, receipt, count }) => (
        <li key={`${anomaly} ${receipt.leaf}`}>
          <strong>{t(`oversight.anomaly.${anomaly}`, { count: count ?? 0 })}</strong>
          <span>{name(receipt.operator)} · <span className="mono">{receipt.edge}</span> · <Both at={receipt.used_at} /> · <Link className="text-link" to={`${base}/authorisations/${receipt.authorisation}/entries/${receipt.leaf}`}>{t('oversight.leaf', { leaf: receipt.leaf })}</Link>{!isOfOne && <> · <Link className="text-link" to={`${base}/authorisations/${receipt.authorisation}`}>{t('oversight.authorisation')}</Link></>}</span>
          <span className={classes.hint}>{t(`oversight.anomalyHint.${anomaly}`)}</span>
        </li>
      ))}
    </ul>
  )
}

function Yield({ receipts, reasons }: { receipts: readonly CheckedReceipt[]; reasons: (id: string) => string | undefined }) {
  const { t } = useTranslation()
  const base = useBase()
  const { sorted, head } = useSort(yields(receipts), {
    reason: (row) => reasons(row.authorisation) ?? row.authorisation, uses: (row) => row.uses, indicators: (row) => row.indicators, operators: (row) => row.operators, edges: (row) => row.edges, last: (row) => Date.parse(row.last),
  })
  return (
    <>
      <p className={classes.hint}>{t('oversight.yieldHint')}</p>
      <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('oversight.yield')}>
        <table className={classes.table}>
          <thead><tr>{head('reason', t('oversight.authorisation'))}{head('uses', t('oversight.usesWord'), true)}{head('indicators', t('oversight.askedIndicators'), true)}{head('operators', t('oversight.operators'), true)}{head('edges', t('places.edges'), true)}{head('last', t('oversight.lastUse'))}</tr></thead>
          <tbody>
            {sorted.map((row) => (
              <tr key={row.authorisation}>
                <th scope="row"><Link className="text-link" to={`${base}/authorisations/${row.authorisation}`}>{briefly(reasons(row.authorisation) ?? row.authorisation)}</Link></th>
                <td data-number>{exact(row.uses)}</td><td data-number>{exact(row.indicators)}</td><td data-number>{exact(row.operators)}</td><td data-number>{exact(row.edges)}</td><td><Ago at={row.last} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

/** Receipts as rows; a tick where this browser verified the edge's signature. `isOfOne`: all are under one authorisation. */
export function ReceiptTable({ receipts, findings, isOfOne = false }: { receipts: readonly CheckedReceipt[]; findings: readonly Finding[]; isOfOne?: boolean }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const base = useBase()
  const table = useRef<HTMLTableElement>(null)
  const marked = new Set(findings.map(({ receipt }) => receipt.leaf))
  const { sorted, head } = useSort(receipts, {
    used: (row) => Date.parse(row.used_at), asker: (row) => name(row.asked_by), operator: (row) => name(row.operator), edge: (row) => row.edge, count: (row) => row.count, number: (row) => row.receipt.used.number, leaf: (row) => row.leaf,
  })
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('oversight.receipts')}>
      <table ref={table} className={classes.table}>
        <thead>
          <tr>
            {head('used', t('oversight.usedAt'))}{head('asker', t('oversight.askedBy'))}{head('operator', t('oversight.operator'))}{head('edge', t('oversight.edge'))}{head('count', t('oversight.askedIndicators'), true)}{head('number', t('oversight.numberOfDay'), true)}
            <th scope="col">{t('oversight.signature')}</th>{head('leaf', t('oversight.place'), true)}<th scope="col" data-act><CopyTable of={table} /></th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={row.leaf} data-marked={marked.has(row.leaf) || undefined}>
              <th scope="row"><Both at={row.used_at} /></th>
              <td>{name(row.asked_by)}</td>
              <td>{name(row.operator)}</td>
              <td className={`mono ${classes.nowrap}`}>{row.edge}</td>
              <td data-number>{exact(row.count)}</td>
              <td data-number>{row.receipt.used.number}</td>
              <td><Tick outcome={row.isSigned} /></td>
              <td data-number><Link className="text-link" to={`${base}/authorisations/${row.authorisation}/entries/${row.leaf}`}>{row.leaf}</Link></td>
              <td data-act>{!isOfOne && <Link className="text-link" to={`${base}/authorisations/${row.authorisation}`}>{t('oversight.authorisation')}</Link>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
