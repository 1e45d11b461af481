import { Button, Select } from '@mantine/core'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useAudit } from '../../api/queries.ts'
import type { AuditRow } from '../../api/types.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Ago, Both } from '../../components/time.tsx'
import { CopyTable } from '../../components/table.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import classes from './administration.module.css'
import { AUDIT_ACTIONS } from './vocabulary.ts'

/** What was done, by whom, what for: the leaves of the transparency log, newest first. */
export function Audit() {
  const { t } = useTranslation()
  const [action, setAction] = useState('')
  const audit = useAudit(action)
  const rows = audit.data?.pages.flatMap((page) => page.rows) ?? []
  const size = audit.data?.pages[0]?.size
  return (
    <>
      <div className={classes.bar}>
        <span>{size !== undefined && <>{t('administration.leaves', { text: exact(size), shown: exact(rows.length) })} · {t('common.asOf')} <Ago at={new Date(audit.dataUpdatedAt).toISOString()} /></>}</span>
        <Select size="xs" w={220} clearable searchable aria-label={t('administration.action')} placeholder={t('administration.everyAction')} value={action === '' ? null : action} onChange={(value) => setAction(value ?? '')} data={AUDIT_ACTIONS.map((one) => ({ value: one, label: t(`actions.${one}`) }))} />
      </div>
      {audit.error ? <ErrorNote error={audit.error} retry={() => void audit.refetch()} />
        : audit.isPending ? <Waiting />
        : rows.length === 0 ? <Empty title={t('administration.noAudit')} />
        : <Table rows={rows} />}
      {audit.hasNextPage && <Button className={classes.more} size="xs" variant="default" loading={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>{t('administration.older')}</Button>}
    </>
  )
}

function Table({ rows }: { rows: AuditRow[] }) {
  const { t } = useTranslation()
  const name = useOrganisationName()
  const table = useRef<HTMLTableElement>(null)
  return (
    <>
    <div className={classes.bar}><CopyTable of={table} /></div>
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('administration.audit')}>
      <table ref={table} className={classes.table}>
        <thead><tr><th>{t('administration.leaf')}</th><th>{t('administration.at')}</th><th>{t('administration.action')}</th><th>{t('administration.actor')}</th><th>{t('administration.purpose')}</th><th>{t('administration.objects')}</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.index}>
              <td title={row.leaf}>{exact(row.index)}</td>
              <td><Both at={row.at} /></td>
              <td>
                {t(`actions.${row.action}`, { defaultValue: row.action })}
                {row.outcome === 'refused' && <> <span className={classes.refused}>{t('administration.refused')}</span></>}
              </td>
              <td>{t(`actors.${row.actor_kind}`, { defaultValue: row.actor_kind })}{row.organisation !== null && ` · ${name(row.organisation)}`}{row.actor !== null && <span className="quiet mono"> {row.actor}</span>}</td>
              <td>{t(`purposes.${row.purpose}`, { defaultValue: row.purpose })}</td>
              <td className={classes.objects}>
                <span className="mono">{row.objects.slice(0, 3).join(' ')}{row.objects.length > 3 && ` +${row.objects.length - 3}`}</span>
                {Object.entries(row.detail).map(([key, value]) => <span key={key} className="quiet"> {key}={value}</span>)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    </>
  )
}
