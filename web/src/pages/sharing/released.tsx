import { Button, Select } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import { useReleases, type ReleaseRow } from '../../api/sharing.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useObjectName } from '../../components/object-name.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { useLanguage } from '../../i18n.ts'
import classes from './sharing.module.css'

/** The release ledger: what an organisation was given. */
export function Released() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { organisation, may } = useSession()
  const [wanted, setWanted] = useState(organisation.id)
  const organisations = useOrganisations(may.includes('see-releases')).data ?? [organisation]
  const pages = useReleases(wanted)
  const rows = pages.data?.pages.flatMap((page) => page.rows)
  return (
    <>
      {may.includes('see-releases') && (
        <div className={classes.bar}>
          <Select label={t('sharing.recipient')} searchable allowDeselect={false} value={wanted} onChange={(id) => id && setWanted(id)} data={organisations.map((one) => ({ value: one.id, label: nameOf(one, language) }))} />
        </div>
      )}
      {pages.error ? <ErrorNote error={pages.error} retry={() => void pages.refetch()} /> : !rows ? <Waiting /> : rows.length === 0 ? <Empty title={t('sharing.noReleases')}>{t('sharing.noReleasesHint')}</Empty> : <><div className={classes.bar}><Count count={rows.length} updated={pages.dataUpdatedAt} more={pages.hasNextPage} /></div><ReleaseTable rows={rows} /></>}
      {pages.hasNextPage && <Button variant="default" size="xs" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{t('sharing.more')}</Button>}
    </>
  )
}

/** Rows of the ledger. */
export function ReleaseTable({ rows }: { rows: ReleaseRow[] }) {
  const { t } = useTranslation()
  const objectName = useObjectName()
  const name = useOrganisationName()
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('sharing.released')}>
      <table className={classes.table}>
        <thead><tr><th>{t('sharing.recipient')}</th><th>{t('sharing.object')}</th><th>{t('sharing.door')}</th><th>{t('sharing.purpose')}</th><th>{t('sharing.times')}</th><th>{t('sharing.lastAt')}</th><th>{t('sharing.leaf')}</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.recipient} ${row.first_sequence} ${row.last_sequence} ${row.door} ${row.purpose}`}>
              <th scope="row">{name(row.recipient)}</th>
              <td>
                #{row.first_sequence}{row.last_sequence === row.first_sequence ? '' : `–${row.last_sequence}`}
                {row.objects.slice(0, 3).map((object) => <div key={object.sequence} className={classes.given}><Link className="text-link" to={`/intelligence/${object.id}`}>{objectName(object.id, object.name)}</Link></div>)}
              </td>
              <td>{t(`doors.${row.door}`, { defaultValue: row.door })}</td>
              <td>{t(`purposes.${row.purpose}`, { defaultValue: row.purpose })}{row.agreement != null && row.agreement !== '' && <div className="quiet">{t('object.routeAgreement')} <span className="mono">{row.agreement}</span></div>}</td>
              <td>{row.times}</td>
              <td><Both at={row.last_at} /></td>
              <td>{row.last_leaf}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
