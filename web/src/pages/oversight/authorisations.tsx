import { Button } from '@mantine/core'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'

import { useAuthorisations, useOversight, type Authorisation } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'
import { Count } from '../../components/count.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Section } from '../../components/page.tsx'
import { CopyTable, useSort } from '../../components/table.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { date } from '../../format/time.ts'
import { useLanguage } from '../../i18n.ts'
import { useNow } from '../../input/now.ts'
import { useShortcuts } from '../../input/shortcuts.ts'
import { needed, Signed } from './decisions.tsx'
import { Emergency, StandingMark } from './marks.tsx'
import { useOwnMembership } from './membership.ts'
import classes from './oversight.module.css'
import { awaits, briefly, inGroups } from './standing.ts'
import { useBase, useCategory, useLength } from './words.ts'

/** Authorisations that the reader may know of: what waits first, then what counts, then what is over. */
export function Authorisations() {
  const { t } = useTranslation()
  const { organisation, may } = useSession()
  const pages = useAuthorisations()
  const oversight = useOversight()
  const now = useNow(15_000)
  const navigate = useNavigate()
  const mayAsk = may.includes('request-authorisation')
  const canAsk = mayAsk && oversight.data?.is_on === true
  useShortcuts({ j: () => moveFocus(1), k: () => moveFocus(-1), ...(canAsk ? { n: () => void navigate('/oversight/authorisations/new') } : {}) })
  if (pages.error) return <ErrorNote error={pages.error} retry={() => void pages.refetch()} />
  if (!pages.data) return <Waiting />
  const all = pages.data.pages.flatMap((page) => page.authorisations)
  const { open, standing, past } = inGroups(all, now)
  const isOperator = organisation.role === 'operator'
  const ask = canAsk && <Button component={Link} to="/oversight/authorisations/new" size="xs">{t('oversight.request')}</Button>
  return (
    <>
      <Off />
      <div className={classes.bar}><Count count={all.length} updated={pages.dataUpdatedAt} more={pages.hasNextPage} /><span className={classes.acts}>{ask}</span></div>
      {all.length === 0 && <Empty title={t('oversight.none')}>{t(isOperator ? 'oversight.noneOfUs' : mayAsk ? 'oversight.noneAsked' : 'oversight.noneHint')}</Empty>}
      {open.length > 0 && (
        <Section id="open" title={t(mayAsk ? 'oversight.openOwn' : 'oversight.open')} aside={t('oversight.groupCount', { count: open.length })}>
          <ol className={classes.waiting}>{open.map((one) => <li key={one.id} data-emergency={one.terms.kind === 'emergency' || undefined}><Asked authorisation={one} /></li>)}</ol>
        </Section>
      )}
      {all.length > 0 && <Section id="standing" title={t('oversight.now')} aside={t('oversight.groupCount', { count: standing.length })}>{standing.length === 0 ? <p className={classes.hint}>{t(isOperator ? 'oversight.noneNowOfUs' : 'oversight.noneNow')}</p> : <Table rows={standing} label={t('oversight.now')} />}</Section>}
      {past.length > 0 && <Section id="past" title={t('oversight.past')} aside={t('oversight.groupCount', { count: past.length })}><Table rows={past} label={t('oversight.past')} /></Section>}
      {pages.hasNextPage && <Button variant="default" size="xs" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>{t('sharing.more')}</Button>}
    </>
  )
}

/** Moves the focus from one authorisation to the next, whichever list it is in; Enter opens it, as it opens any link. */
function moveFocus(step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('#main [data-row]')]
  const at = rows.findIndex((row) => row === document.activeElement)
  rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))]?.focus()
}

/** Why nothing can be authorised here, where nothing can, and the next step. */
export function Off() {
  const { t } = useTranslation()
  const base = useBase()
  const { data } = useOversight()
  if (data?.off_because == null) return null
  return (
    <div className={classes.off} role="note">
      <p><strong>{t('oversight.off')}</strong></p>
      <p>{t(`oversight.offBecause.${data.off_because}`, { defaultValue: data.off_because })}</p>
      {data.off_because !== 'no-frame' && <p><Link className="text-link" to={`${base}/commission`}>{t('oversight.commissionAndFrame')}</Link></p>}
    </div>
  )
}

/** A request as one reads it on the way: who, where, why, how many have signed. */
function Asked({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  const category = useCategory()
  const base = useBase()
  const { organisation } = useSession()
  const own = useOwnMembership()
  const oversight = useOversight().data
  const { terms, pending } = authorisation
  const spell = useLength()
  const isMine = awaits(authorisation, own, useNow(15_000))
  const of = pending?.needed ?? needed(oversight, authorisation, 'grant') ?? 0
  const isCommission = oversight?.commission?.organisation === organisation.id
  const length = Math.round((Date.parse(terms.until) - Date.parse(terms.from)) / 1000)
  return (
    <Link to={`${base}/authorisations/${authorisation.id}`} className={classes.asked} data-row>
      <span className={classes.askedHead}>
        {terms.kind === 'emergency' && <Emergency />}
        <strong>{t('oversight.title', { who: name(terms.requested_by), category: category(terms.category) })}</strong>
        <span className="quiet"><Ago at={authorisation.created} /></span>
        {isMine && <span className={classes.due}>{t('oversight.waitsForYou')}</span>}
      </span>
      <span>{briefly(terms.reason, 120)}</span>
      <span className={classes.facts}>
        <span>{terms.operators.slice(0, 3).map(name).join(language === 'ja' ? '、' : ', ')}{terms.operators.length > 3 && ` ${t('oversight.moreOperators', { count: terms.operators.length - 3 })}`}</span>
        <span>{t('oversight.listCount', { count: terms.list_size, text: exact(terms.list_size) })}</span>
        <span>{date(terms.from, 'JST')} – {date(Date.parse(terms.until) - 1, 'JST')} ({spell(length)})</span>
      </span>
      {isCommission && of > 0 && <Signed count={pending?.signed_by.length ?? 0} of={of} label={t('oversight.signedOf', { count: pending?.signed_by.length ?? 0, needed: of })} />}
    </Link>
  )
}

function Table({ rows, label }: { rows: readonly Authorisation[]; label: string }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  const category = useCategory()
  const base = useBase()
  const table = useRef<HTMLTableElement>(null)
  const isCommission = rows.some((one) => one.uses != null)
  const { sorted, head } = useSort(rows, {
    reason: (one) => one.terms.reason, state: (one) => one.state, basis: (one) => category(one.terms.category), asker: (one) => name(one.terms.requested_by),
    operators: (one) => one.terms.operators.length, from: (one) => Date.parse(one.terms.from), uses: (one) => one.uses ?? 0,
  })
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={label}>
      <table ref={table} className={`${classes.table} ${classes.even}`}>
        <colgroup><col data-wide />{Array.from({ length: isCommission ? 6 : 5 }, (_, place) => <col key={place} />)}<col data-act /></colgroup>
        <thead>
          <tr>
            {head('reason', t('oversight.authorisation'))}{head('state', t('agreements.state'))}{head('basis', t('oversight.basis'))}{head('asker', t('oversight.requestedBy'))}{head('operators', t('oversight.operators'))}{head('from', t('oversight.period'))}
            {isCommission && head('uses', t('oversight.usesWord'), true)}<th scope="col" data-act><CopyTable of={table} /></th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((one) => (
            <tr key={one.id} data-emergency={one.terms.kind === 'emergency' || undefined}>
              <th scope="row"><Link className="text-link" data-row to={`${base}/authorisations/${one.id}`}>{briefly(one.terms.reason)}</Link><span className={classes.sub}>{t(`purposes.${one.terms.purpose}`, { defaultValue: one.terms.purpose })} · <span className="mono">{one.id.slice(0, 8)}</span></span></th>
              <td><StandingMark authorisation={one} /></td>
              <td>{category(one.terms.category)}<span className={classes.sub}>{one.terms.article}</span></td>
              <td>{name(one.terms.requested_by)}</td>
              <td>{one.terms.operators.slice(0, 2).map(name).join(language === 'ja' ? '、' : ', ')}{one.terms.operators.length > 2 && <span className={classes.sub}>{t('oversight.moreOperators', { count: one.terms.operators.length - 2 })}</span>}</td>
              <td className={classes.nowrap}>{date(one.terms.from, 'JST')} –<br />{date(Date.parse(one.terms.until) - 1, 'JST')}</td>
              {isCommission && <td data-number>{exact(one.uses ?? 0)}</td>}
              <td data-act />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
