import { Button } from '@mantine/core'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useAgreements, type Agreement } from '../../api/agreements.ts'
import { useMay, useSession } from '../../api/session.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { CopyTable, useSort } from '../../components/table.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { date } from '../../format/time.ts'
import { useLanguage } from '../../i18n.ts'
import { useNow } from '../../input/now.ts'
import classes from './agreements.module.css'
import { standingOf, waitsFor } from './standing.ts'

/** The agreements that concern us: where each stands, and which wait for our signature. */
export function Agreements() {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  const { organisation } = useSession()
  const mayAgree = useMay('agree')
  const agreements = useAgreements()
  const now = useNow(30_000)
  const table = useRef<HTMLTableElement>(null)
  const all = agreements.data?.agreements ?? []
  const title = (one: Agreement) => (language === 'ja' ? one.title_ja : one.title_en)
  const own = (one: Agreement) => one.sides.find((side) => side.party === organisation.id)?.state ?? null
  const { sorted, head } = useSort(all, {
    title,
    state: (one) => t(`agreements.standing.${standingOf(one, now)}`),
    parties: (one) => one.parties.map(name).join(' '),
    from: (one) => Date.parse(one.from),
    own: (one) => { const state = own(one); return state === null ? null : t(`agreements.side.${state}`) },
  })
  if (agreements.error) return <ErrorNote error={agreements.error} retry={() => void agreements.refetch()} />
  if (!agreements.data) return <Waiting />
  const draft = mayAgree && <Button component={Link} to="/sharing/agreements/new" size="xs">{t('agreements.draft')}</Button>
  if (all.length === 0) return <Empty title={t('agreements.none')} action={draft}>{t('agreements.noneHint')}</Empty>
  const waiting = all.filter((one) => waitsFor(one, organisation.id, now)).length
  return (
    <>
      <div className={classes.bar}>
        <span><Count count={all.length} updated={agreements.dataUpdatedAt} /> · {t('agreements.waiting', { count: waiting })}</span>
        <span className={classes.acts}><CopyTable of={table} />{draft}</span>
      </div>
      <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('sharing.agreements')}>
        <table ref={table} className={classes.table}>
          <thead><tr>{head('title', t('agreements.agreement'))}{head('state', t('agreements.state'))}{head('parties', t('agreements.parties'))}{head('from', t('agreements.period'))}{head('own', t('agreements.ownSide'))}</tr></thead>
          <tbody>
            {sorted.map((one) => (
              <tr key={one.id}>
                <th scope="row"><Link className="text-link" to={`/sharing/agreements/${one.id}`}>{title(one)}</Link>{one.source === 'file' && <span className="quiet"> · {t('agreements.inFile')}</span>}</th>
                <td><Standing agreement={one} /></td>
                <td>{one.parties.map(name).join(language === 'ja' ? '、' : ', ')}</td>
                <td className={classes.days}>{date(one.from, 'JST')} – {date(Date.parse(one.until) - 1, 'JST')}</td>
                <td>{own(one) === null ? <span className="quiet">{t('agreements.noParty')}</span> : waitsFor(one, organisation.id, now) ? <strong className={classes.due}>{t('agreements.waitsForUs')}</strong> : t(`agreements.side.${own(one) ?? ''}`)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

/** Where an agreement stands: a word, and a mark that is not colour alone. */
export function Standing({ agreement }: { agreement: Agreement }) {
  const { t } = useTranslation()
  const now = useNow(30_000)
  const standing = standingOf(agreement, now)
  return <span className={classes.standing} data-standing={standing}>{t(`agreements.standing.${standing}`)}</span>
}
