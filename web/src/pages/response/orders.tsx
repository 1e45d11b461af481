import { Button, Select, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Undo2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'

import { undoOrder, useOrders, type OrderInfo } from '../../api/response.ts'
import { Copy } from '../../components/copy.tsx'
import { Count } from '../../components/count.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago, Both } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { exact, short } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { Mark } from './mark.tsx'
import { usePersonName } from './question.tsx'
import classes from './response.module.css'
import { byNeed, isLive, orderTone, standingOf } from './standing.ts'
import { useGateReason, useHeadline } from './words.ts'

/** What is ordered at which edge, whether it holds, until when, how much it stopped, and the way back. */
export function Orders() {
  const { t } = useTranslation()
  const [parameters, setParameters] = useSearchParams()
  const orders = useOrders()
  const [undoing, setUndoing] = useState<OrderInfo | null>(null)
  if (orders.error && !orders.data) return <ErrorNote error={orders.error} retry={() => void orders.refetch()} />
  if (!orders.data) return <Waiting lines={6} />
  const all = orders.data.pages.flatMap((page) => page.orders)
  const run = parameters.get('run')
  const show = parameters.get('show') ?? 'live'
  const ofRun = run === null ? all : all.filter(({ about }) => about.run === run)
  const shown = byNeed(ofRun.filter((order) => show === 'all' || run !== null || isLive(standingOf(order))))
  const edges = [...new Set(shown.map(({ edge }) => edge))]
  const key = orders.data.pages[0]?.key
  return (
    <>
      <div className={classes.bar}>
        <Select size="xs" allowDeselect={false} aria-label={t('response.whichOrders')} value={run === null ? show : 'run'} onChange={(value) => setParameters(value === null || value === 'live' ? {} : value === 'run' && run !== null ? { run } : { show: value })}
          data={['live', 'all', ...(run === null ? [] : ['run'])].map((one) => ({ value: one, label: t(`response.orderViews.${one}`) }))} />
        <Count count={shown.length} updated={orders.dataUpdatedAt} more={orders.hasNextPage} />
      </div>
      {shown.length === 0 && <Empty title={t('response.noOrders')} action={all.length > 0 ? <Button size="xs" variant="default" onClick={() => setParameters({ show: 'all' })}>{t('response.orderViews.all')}</Button> : undefined}>{t('response.noOrdersHint')}</Empty>}
      {edges.map((edge) => <OfEdge key={edge} edge={edge} orders={shown.filter((order) => order.edge === edge)} onUndo={setUndoing} />)}
      {orders.hasNextPage && <Button variant="default" loading={orders.isFetchingNextPage} onClick={() => void orders.fetchNextPage()}>{t('response.more')}</Button>}
      {key && (
        <details className={classes.past}>
          <summary>{t('response.key')}</summary>
          <p>{t('response.keyHint')}</p>
          <pre className={classes.exact} tabIndex={0}>{`issuer = "${key.issuer}"\nkey = "${key.key}"`}</pre>
        </details>
      )}
      {undoing && <Undo order={undoing} onClose={() => setUndoing(null)} />}
    </>
  )
}

function OfEdge({ edge, orders, onUndo }: { edge: string; orders: OrderInfo[]; onUndo: (order: OrderInfo) => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <Section id={`edge-${edge}`} title={<>{edge} <span className="quiet">{inLanguage(orders[0]?.organisation_name ?? '', language)}</span></>} aside={t('response.orderCount', { count: orders.length })}>
      <ul className={classes.list}>{orders.map((order) => <li key={order.command_id}><Order order={order} onUndo={onUndo} /></li>)}</ul>
    </Section>
  )
}

function Order({ order, onUndo }: { order: OrderInfo; onUndo: (order: OrderInfo) => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const headline = useHeadline()
  const reason = useGateReason()
  const person = usePersonName()
  const standing = standingOf(order)
  const { about } = order
  const last = order.reports.at(-1)
  return (
    <article className={classes.order} data-tone={orderTone(standing)}>
      <div className={classes.head}>
        <Mark tone={orderTone(standing)} word={t(`response.orders.${standing}`)} />
        <h3>{headline(order.command, order.command_id)}</h3>
        {about.undoes != null && <span className="quiet">{t('response.undoes')}</span>}
        {order.may_undo && isLive(standing) && order.undone_by == null && about.undoes == null && (
          <Button className={classes.undo ?? ''} size="xs" variant="default" leftSection={<Undo2 size={14} aria-hidden />} onClick={() => onUndo(order)}>{t('response.undo')}</Button>
        )}
      </div>
      <dl className={classes.row}>
        <div><dt>{t('response.ends')}</dt><dd>{order.stops == null ? t('response.noEnd') : <Ago at={order.stops} />}</dd></div>
        <div><dt>{t('response.stopped')}</dt><dd>{order.stopped == null ? '–' : <span title={exact(order.stopped)}>{short(order.stopped, language)}</span>}</dd></div>
        <div><dt>{t('response.orderedBy')}</dt><dd>{person(about.requested_by)}{about.hubs != null && <span className={classes.under}>{t('response.hubs', { asking: inLanguage(about.hubs.asking, language), ordering: inLanguage(about.hubs.ordering, language) })}</span>}</dd></div>
        <div><dt>{t('response.basis')}</dt><dd>{about.basis ?? t('response.noBasis')}{about.reference != null && <span className={classes.under}>{about.reference}</span>}</dd></div>
        {about.run != null && <div><dt>{t('response.theRun')}</dt><dd><Link className="text-link" to={`/response/runs/${about.run}`}>{about.playbook ?? about.run}</Link>{about.step != null && <span className={classes.under}>{about.step}</span>}</dd></div>}
      </dl>
      {last?.why != null && <p className={classes.why}>{reason(last.why, last.why_reason)}</p>}
      {order.undone_by != null && isLive(standing) && <p className="quiet">{t('response.undoOrdered')}</p>}
      <details className={classes.exactly}>
        <summary>{t('response.history', { count: order.reports.length })}</summary>
        <ol className={classes.list}>
          <li className={classes.item}><span className="quiet"><Both at={order.ordered} /></span><strong>{t('response.orders.ordered')}</strong>{about.approved_by.map((one) => <span key={`${one.organisation} ${one.at}`}>{t('response.approvedBy', { name: person(one) })}</span>)}</li>
          {order.reports.map((report) => <li key={report.number} className={classes.item}><span className="quiet"><Both at={report.at} /></span><strong>{t(`response.orders.${report.state}`)}</strong>{report.stopped != null && <span>{t('response.stoppedCount', { count: report.stopped, text: exact(report.stopped) })}</span>}{report.why != null && <span>{reason(report.why, report.why_reason)}</span>}</li>)}
        </ol>
        <pre className={classes.exact} tabIndex={0}>{JSON.stringify(order.command, null, 2)}</pre>
        <p className="quiet"><code>{order.command_id}</code> <Copy text={order.command_id} /></p>
      </details>
    </article>
  )
}

function Undo({ order, onClose }: { order: OrderInfo; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const headline = useHeadline()
  const organisation = useOrganisationName()
  const { say } = useToasts()
  const [reason, setReason] = useState('')
  const undo = useMutation({
    mutationFn: () => undoOrder(order.command_id, reason.trim()),
    onSuccess: () => {
      say(t('response.undoOrdered'))
      onClose()
      void client.invalidateQueries({ queryKey: ['orders'] })
    },
  })
  if (needsProof(undo.error)) return <Prove opened onClose={undo.reset} onProved={() => undo.mutate()} />
  return (
    <Dialog opened onClose={onClose} title={t('response.undoTitle')}>
      <form className={classes.form} onSubmit={(event) => { event.preventDefault(); undo.mutate() }}>
        <p><strong>{headline(order.command, order.command_id)}</strong><span className={classes.under}>{order.edge} · {organisation(order.organisation)}</span></p>
        <p className="quiet">{t('response.undoHint')}</p>
        <Textarea data-autofocus label={t('response.reason')} required withAsterisk={false} autosize minRows={2} maxLength={2000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {undo.error && <ErrorNote error={undo.error} />}
        <div className={classes.acts}>
          <Button type="submit" loading={undo.isPending} disabled={reason.trim() === ''}>{t('response.undoNow')}</Button>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        </div>
      </form>
    </Dialog>
  )
}
