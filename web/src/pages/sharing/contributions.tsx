import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { useContributions, type Contribution } from '../../api/sharing.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useObjectName } from '../../components/object-name.ts'
import { Both } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import classes from './sharing.module.css'

/** What came of what we contributed. */
export function Contributions() {
  const { t } = useTranslation()
  const pages = useContributions()
  if (pages.error) return <ErrorNote error={pages.error} retry={() => void pages.refetch()} />
  if (!pages.data) return <Waiting />
  const all = pages.data.pages.flatMap((page) => page.contributions)
  const asOf = pages.data.pages[0]?.as_of
  if (all.length === 0) return <Empty title={t('sharing.noContributions')}>{t('sharing.noContributionsHint')}</Empty>
  return (
    <>
      <div className={classes.bar}><Count count={all.length} updated={pages.dataUpdatedAt} more={pages.hasNextPage} /><span>{t('sharing.contributionsHint')}</span>{asOf && <span>{t('sharing.countedUntil')} <Both at={asOf} /></span>}</div>
      <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('sharing.contributions')}>
        <table className={classes.table}>
          <thead><tr><th>{t('sharing.object')}</th><th>{t('sharing.seenByOthers')}</th><th>{t('sharing.givenToShort')}</th><th>{t('judgements.confirmed')}</th><th>{t('judgements.blocked')}</th><th>{t('judgements.false-alarm')}</th><th>{t('sharing.score')}</th></tr></thead>
          <tbody>{all.map((one) => <Row key={one.object.id} one={one} />)}</tbody>
        </table>
      </div>
      {pages.hasNextPage && <Button variant="default" size="xs" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{t('sharing.more')}</Button>}
    </>
  )
}

function Row({ one }: { one: Contribution }) {
  const { t } = useTranslation()
  const objectName = useObjectName()
  return (
    <tr>
      <th scope="row"><Link className="text-link" to={`/intelligence/${one.object.id}`}>{objectName(one.object.id, one.object.name)}</Link></th>
      <td>{one.seen_by_at_least == null ? t('sharing.fewerThan3') : t('sharing.atLeast', { count: one.seen_by_at_least })}</td>
      <td>{one.given_to}</td>
      <td>{one.confirmed}</td>
      <td>{one.blocked}</td>
      <td>{one.false_alarm}</td>
      <td>
        {one.score} / 100
        <div className={classes.parts}>{one.parts.map((part) => <span key={part.part}>{t(`parts.${part.part}`)} {part.points} / {part.of}</span>)}</div>
      </td>
    </tr>
  )
}
