import { Button, FileButton, Textarea } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { CATEGORIES, publishStatistics, useStatistics, type Count, type PublishedStatistics, type StatisticsDocument } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'
import { Confirm } from '../../components/confirm.tsx'
import { Copy } from '../../components/copy.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Section } from '../../components/page.tsx'
import { needsProof, Prove } from '../../components/prove.tsx'
import { Ago } from '../../components/time.tsx'
import { useToasts } from '../../components/toast.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { date } from '../../format/time.ts'
import { canVerify } from '../../proof/bytes.ts'
import { canonical } from '../../proof/canonical.ts'
import { isSignedByAny, readStatement } from '../../proof/statement.ts'
import { Tick } from './marks.tsx'
import classes from './oversight.module.css'
import { useCategory } from './words.ts'

const NUMBERS = ['requested', 'requested_in_emergency', 'granted', 'granted_in_emergency', 'refused', 'withdrawn', 'suspended', 'resumed', 'revoked', 'used', 'operators'] as const

/** What the public is told in numbers: every statement that was published, and how the commission publishes the next one. */
export function StatisticsPart() {
  const { t } = useTranslation()
  const { may } = useSession()
  const found = useStatistics()
  if (found.error) return <ErrorNote error={found.error} retry={() => void found.refetch()} />
  if (!found.data) return <Waiting lines={10} />
  const keys = found.data.pages[0]?.keys ?? []
  const statements = found.data.pages.flatMap((page) => page.statements)
  return (
    <>
      <p className={classes.intro}>{t('oversight.statistics.intro')}</p>
      {may.includes('publish-statistics') && <Publish keys={keys} />}
      {statements.length === 0 && <Empty title={t('oversight.statistics.none')}>{t('oversight.statistics.noneHint')}</Empty>}
      {statements.map((one) => <Statement key={one.leaf} published={one} />)}
      {found.hasNextPage && <Button variant="default" size="xs" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>{t('sharing.more')}</Button>}
    </>
  )
}

/** The period by its days in Japan. */
function usePeriod(): (told: StatisticsDocument) => string {
  const { t } = useTranslation()
  return ({ from, until }) => t('oversight.statistics.period', { from: date(from, 'JST'), until: date(Date.parse(until) - 1, 'JST') })
}

function Statement({ published }: { published: PublishedStatistics }) {
  const { t } = useTranslation()
  const period = usePeriod()
  const signed = useQuery({ queryKey: ['statement', published.hash], queryFn: () => isSignedByAny(published.note, [published.key]), enabled: canVerify(), staleTime: Infinity })
  const isRead = canonical(readStatement(published.note)) === canonical(published.statistics)
  return (
    <Section id={`statistics-${published.leaf}`} title={period(published.statistics)} aside={<Ago at={published.at} />}>
      {published.corrected_by != null && <p className={classes.warning}>{t('oversight.statistics.correctedBy', { leaf: published.corrected_by })}</p>}
      {published.corrects != null && <p className={classes.hint}>{t('oversight.statistics.corrects', { leaf: published.corrects })}</p>}
      <Numbers told={published.statistics} />
      <p className={classes.digest}><span>{t('oversight.statistics.signedBy')}</span> <span className="mono">{published.key}</span> <Copy text={published.key} /> <Tick outcome={isRead ? signed.data ?? null : false} /></p>
      <p className={classes.hint}>{t('oversight.statistics.countedFrom', { text: exact(published.statistics.size), leaf: published.leaf })} <Copy text={published.note} /></p>
    </Section>
  )
}

/** All grounds beside each other: what is withheld is told as a range. */
function Numbers({ told }: { told: StatisticsDocument }) {
  const { t } = useTranslation()
  const category = useCategory()
  const text = (count: Count | undefined) => (count === undefined ? '–' : count === 'few' ? `1–${exact(told.suppressed_below - 1)}` : exact(count.number))
  return (
    <div className={classes.wrap} tabIndex={0} role="group" aria-label={t('oversight.parts.statistics')}>
      <table className={classes.table}>
        <thead><tr><th scope="col" />{CATEGORIES.map((one) => <th key={one} scope="col" data-number>{category(one)}</th>)}<th scope="col" data-number>{t('oversight.statistics.all')}</th></tr></thead>
        <tbody>
          {NUMBERS.map((number) => (
            <tr key={number}>
              <th scope="row">{t(`oversight.statistics.numbers.${number}`)}</th>
              {CATEGORIES.map((one) => <td key={one} data-number>{text(told.categories[one]?.[number])}</td>)}
              <td data-number>{text(told.all[number])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** A commissioner brings what was counted and signed elsewhere; this page has no key and signs nothing. */
function Publish({ keys }: { keys: readonly string[] }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say } = useToasts()
  const period = usePeriod()
  const [note, setNote] = useState('')
  const [isAsking, setAsking] = useState(false)
  const [unproven, setUnproven] = useState(false)
  const told = note === '' ? null : readStatement(note)
  const signed = useQuery({ queryKey: ['statement to publish', note, keys.join(' ')], queryFn: () => isSignedByAny(note, keys), enabled: told !== null && canVerify(), gcTime: 0 })
  const read = async (file: File | null) => {
    if (file) setNote(await file.text())
  }
  const run = async () => {
    try {
      await publishStatistics(note)
    } catch (error) {
      if (needsProof(error)) setUnproven(true)
      throw error
    }
    setNote('')
    setAsking(false)
    say(t('oversight.statistics.published'))
    void client.invalidateQueries({ queryKey: ['statistics'] })
  }
  return (
    <Section id="publish" title={t('oversight.statistics.publish')}>
      <p className={classes.hint}>{t(keys.length === 0 ? 'oversight.statistics.noKeys' : 'oversight.statistics.publishHint')}</p>
      <div className={classes.form}>
        <div className={classes.acts}><FileButton accept=".txt,text/plain" onChange={(file) => void read(file)}>{(props) => <Button {...props} variant="default" size="xs">{t('oversight.statistics.file')}</Button>}</FileButton></div>
        <Textarea label={t('oversight.statistics.note')} value={note} onChange={(event) => setNote(event.currentTarget.value)} autosize minRows={3} maxRows={12} maxLength={16_384} spellCheck={false} />
        {note !== '' && told === null && <p className={classes.warning} role="alert">{t('oversight.statistics.unreadable')}</p>}
        {told && <><p><strong>{period(told)}</strong> <Tick outcome={signed.data ?? null} word={t(signed.data === false ? 'oversight.statistics.otherKey' : 'oversight.statistics.signedBy')} /></p><Numbers told={told} /></>}
        <div className={classes.acts}><Button size="sm" disabled={told === null || keys.length === 0} onClick={() => setAsking(true)}>{t('oversight.statistics.act')}</Button></div>
      </div>
      <Confirm opened={isAsking && !unproven} onClose={() => setAsking(false)} title={t('oversight.statistics.publish')} act={t('oversight.statistics.act')} run={run} onDone={() => {}}>
        <p>{t('oversight.statistics.publishText')}</p>
      </Confirm>
      <Prove opened={unproven} onClose={() => setUnproven(false)} onProved={() => setUnproven(false)} />
    </Section>
  )
}
