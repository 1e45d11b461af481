import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useParams } from 'react-router'

import { readIndicators, useAuthorisation, useOversight, useReceipts, type Authorisation } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'
import { Copy } from '../../components/copy.tsx'
import { Count } from '../../components/count.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { useNow } from '../../input/now.ts'
import { fromHex, toHex } from '../../proof/bytes.ts'
import { listRoot } from '../../proof/tree.ts'
import { anomalies } from './anomalies.ts'
import { Decisions } from './decisions.tsx'
import { Digest, Emergency, StandingMark, Tick } from './marks.tsx'
import classes from './oversight.module.css'
import { Findings, ReceiptTable } from './receipts.tsx'
import { Rounds } from './rounds.tsx'
import { standingOf } from './standing.ts'
import { TermsText } from './terms.tsx'
import { Timeline } from './timeline.tsx'
import { Withdraw } from './withdraw.tsx'
import { useBase, useCategory } from './words.ts'

/** One authorisation: what may be done under it, where it stands, who decided what, what was done. */
export default function AuthorisationPage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const base = useBase()
  const name = useOrganisationName()
  const category = useCategory()
  const authorisation = useAuthorisation(id)
  const above = <Link to={`${base}/authorisations`} className="text-link">{t('oversight.authorisations')}</Link>
  if (authorisation.error) return <Page title={t('oversight.authorisation')} above={above}><ErrorNote error={authorisation.error} retry={() => void authorisation.refetch()} /></Page>
  if (!authorisation.data) return <Page title={t('oversight.authorisation')} above={above}><Waiting lines={10} /></Page>
  const one = authorisation.data
  return (
    <Page
      title={t('oversight.title', { who: name(one.terms.requested_by), category: category(one.terms.category) })}
      above={above}
      aside={<><StandingMark authorisation={one} /><span className="mono">{one.id.slice(0, 8)}</span><span>{t('common.asOf')} <Ago at={new Date(authorisation.dataUpdatedAt).toISOString()} /></span></>}
    >
      {one.terms.kind === 'emergency' && <p className={classes.alarm}><Emergency /> {t('oversight.emergencyText')}</p>}
      <div className={classes.columns}>
        <div className={classes.main}>
          <section aria-label={t('oversight.terms')}>
            <TermsText terms={one.terms} sealed={one.sealed} />
            <Digest label={t('oversight.termsHash')} told={one.terms_hash} document={one.terms} />
          </section>
          <IndicatorList authorisation={one} />
        </div>
        <aside aria-label={t('oversight.decisionAndHistory')}>
          <div className={classes.own}><Decisions authorisation={one} /></div>
          <Narrow authorisation={one} />
          <Withdraw authorisation={one} />
          <div><Timeline authorisation={one} /></div>
        </aside>
      </div>
      {one.terms.private && one.grant_leaf != null && <div className={classes.below}><Rounds authorisation={one} /></div>}
      <div className={classes.below}><Uses authorisation={one} /></div>
    </Page>
  )
}

/** What is looked for. Looking at it is itself written down, so that it takes a click. */
function IndicatorList({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const { organisation } = useSession()
  const { terms } = authorisation
  const isHidden = authorisation.sealed && terms.operators.includes(organisation.id) && terms.requested_by !== organisation.id
  const look = useMutation({
    mutationFn: async () => {
      const list = await readIndicators(authorisation.id)
      const salt = fromHex(list.salt)
      // A private list's root needs the stream of its seed, which browsers do not have: it is checked when a round is worked out again.
      if (terms.private) return { ...list, isGranted: null }
      return { ...list, isGranted: salt !== null && list.patterns.length <= terms.list_size && toHex(await listRoot(salt, list.patterns)) === terms.list_root }
    },
  })
  return (
    <Section id="list" title={t('oversight.list')} aside={t('oversight.listCount', { count: terms.list_size, text: exact(terms.list_size) })}>
      {isHidden ? <p className={classes.hint}>{t('oversight.listSealed')}</p> : look.data ? (
        <>
          <p className={classes.digest}><span>{t('oversight.listRoot')}</span> <span className="mono">{terms.list_root}</span> <Tick outcome={look.data.isGranted} word={t(look.data.isGranted === null ? 'oversight.listInAudit' : look.data.isGranted ? 'oversight.listIsGranted' : 'oversight.listIsOther')} /></p>
          <ol className={classes.patterns} tabIndex={0} aria-label={t('oversight.list')}>{look.data.patterns.map((pattern, place) => <li key={place}><code>{pattern}</code></li>)}</ol>
          <p className={classes.hint}><Copy text={look.data.patterns.join('\n')} /> {t('oversight.listRecorded')}</p>
        </>
      ) : (
        <>
          <p className={classes.hint}>{t('oversight.listHint')}</p>
          {look.error && <ErrorNote error={look.error} />}
          <Button variant="default" size="xs" loading={look.isPending} onClick={() => look.mutate()}>{t('oversight.listOpen')}</Button>
        </>
      )}
    </Section>
  )
}

/** What edges signed for, to those who may know. */
function Uses({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const { organisation, may } = useSession()
  const isAsker = !may.includes('decide-authorisation') && !authorisation.terms.operators.includes(organisation.id)
  const receipts = useReceipts(authorisation.id, !isAsker)
  const rows = receipts.data?.pages.flatMap((page) => page.receipts) ?? []
  const found = anomalies(rows, new Map([[authorisation.id, authorisation]]), !receipts.hasNextPage)
  return (
    <Section id="uses" title={t('oversight.uses')} aside={authorisation.uses == null ? undefined : t('oversight.usesCount', { count: authorisation.uses, text: exact(authorisation.uses) })}>
      {isAsker ? <p className={classes.hint}>{t('oversight.usesOfOthers')}</p> : receipts.error ? <ErrorNote error={receipts.error} retry={() => void receipts.refetch()} /> : !receipts.data ? <Waiting lines={3} /> : rows.length === 0 ? <p className={classes.hint}>{t('oversight.noUses')}</p> : (
        <>
          <Findings findings={found} of={rows.length} isWhole={!receipts.hasNextPage} isOfOne />
          <p className={classes.bar}><Count count={rows.length} updated={receipts.dataUpdatedAt} more={receipts.hasNextPage} /></p>
          <ReceiptTable receipts={rows} findings={found} isOfOne />
          {receipts.hasNextPage && <Button variant="default" size="xs" loading={receipts.isFetchingNextPage} onClick={() => void receipts.fetchNextPage()}>{t('sharing.more')}</Button>}
        </>
      )}
    </Section>
  )
}

/** Whoever asked may ask for less. */
function Narrow({ authorisation }: { authorisation: Authorisation }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { organisation, may } = useSession()
  const standing = standingOf(authorisation, useNow(15_000))
  const isOn = useOversight().data?.is_on ?? false
  if (authorisation.terms.requested_by !== organisation.id || !may.includes('request-authorisation') || !['in-force', 'before'].includes(standing)) return null
  return (
    <div>
      <Section id="narrow" title={t('oversight.narrow')}>
        <p className={classes.hint}>{t('oversight.narrowHint')}</p>
        <Button variant="default" size="xs" disabled={!isOn} onClick={() => void navigate(`/oversight/authorisations/new?narrows=${authorisation.id}`)}>{t('oversight.narrowAct')}</Button>
      </Section>
    </div>
  )
}
