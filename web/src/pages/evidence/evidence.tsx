import { Button } from '@mantine/core'
import { PackageOpen, Plus } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'

import { useEvidenceOf, type EvidenceItem, type EvidenceList } from '../../api/evidence.ts'
import { useMay } from '../../api/session.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { Page, Section } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { bytes } from '../../format/number.ts'
import { useLanguage } from '../../i18n.ts'
import { Add } from './add.tsx'
import classes from './evidence.module.css'
import { Mark } from './mark.tsx'
import { Requests } from './requests.tsx'
import { Export } from './take.tsx'
import { useCaseHead, type CaseHead } from './use-case-head.ts'
import { itemTone, usePartyName } from './words.ts'

/** The evidence of a case: what is kept, who has it, and who asks for what. */
export default function EvidencePage() {
  const { t } = useTranslation()
  const { id = '' } = useParams()
  const one = useCaseHead(id)
  const listed = useEvidenceOf(id)
  const error = one.error ?? listed.error
  if (error && !(one.data && listed.data)) {
    return <Page title={t('evidence.evidence')} above={<Link className="text-link" to="/cases">{t('places.cases')}</Link>}><ErrorNote error={error} retry={() => { one.refetch(); void listed.refetch() }} /></Page>
  }
  const first = listed.data?.pages[0]
  if (!one.data || !first) return <Page title={t('evidence.evidence')}><Waiting lines={8} /></Page>
  const items = listed.data?.pages.flatMap((page) => page.items) ?? []
  return <Loaded key={id} of={one.data} list={first} items={items} more={listed.hasNextPage ? () => void listed.fetchNextPage() : null} />
}

export function AboveEvidence({ of, item = false }: { of: CaseHead; item?: boolean }) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <>
      <Link className="text-link" to="/cases">{t('places.cases')}</Link> / <Link className="text-link" to={`/cases/${of.id}${of.number == null ? '/room' : ''}`}>{of.number != null && `#${of.number} `}{inLanguage(of.title, language)}</Link>
      {item && <> / <Link className="text-link" to={`/cases/${of.id}/evidence`}>{t('evidence.evidence')}</Link></>}
    </>
  )
}

function Loaded({ of, list, items, more }: { of: CaseHead; list: EvidenceList; items: EvidenceItem[]; more: (() => void) | null }) {
  const { t } = useTranslation()
  const [asking, setAsking] = useState<'add' | 'export' | null>(null)
  const mayHandle = useMay('handle-evidence')
  const add = <Button size="xs" leftSection={<Plus size={14} aria-hidden />} onClick={() => setAsking('add')}>{t('evidence.add')}</Button>
  const canExport = items.some((item) => item.state !== 'announced')
  return (
    <Page
      title={t('evidence.evidence')}
      above={<AboveEvidence of={of} />}
      aside={<Marking marking={of.marking} />}
      actions={mayHandle && items.length > 0 && <>{add}{canExport && <Button size="xs" variant="default" leftSection={<PackageOpen size={14} aria-hidden />} onClick={() => setAsking('export')}>{t('evidence.export')}</Button>}</>}
    >
      {items.length === 0
        ? <Empty title={t('evidence.none')} action={mayHandle && add}>{t('evidence.noneHint')}</Empty>
        : <Items of={of.id} items={items} />}
      {more && <Button size="xs" variant="default" mt={8} onClick={more}>{t('evidence.more')}</Button>}
      <Requests of={of.id} items={items} />
      {asking === 'add' && <Add of={of.id} least={of.marking.tlp ?? 'red'} list={list} onClose={() => setAsking(null)} />}
      {asking === 'export' && <Export of={of.id} onClose={() => setAsking(null)} />}
    </Page>
  )
}

function Items({ of, items }: { of: string; items: EvidenceItem[] }) {
  const { t } = useTranslation()
  const party = usePartyName()
  return (
    <Section id="items" title={t('evidence.items')} aside={String(items.length)}>
      <div className={classes.wrap} role="group" aria-label={t('evidence.items')} tabIndex={0}>
        <table className={classes.table}>
          <thead>
            <tr>{(['name', 'marking', 'state', 'custodian', 'size', 'sha256', 'received'] as const).map((column) => <th key={column} scope="col">{t(`evidence.column.${column}`)}</th>)}</tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.id}>
                <td><Link className="text-link" to={`/cases/${of}/evidence/${item.id}`}>{item.name}</Link><span className={classes.under}>{t(`evidence.kinds.${item.kind}`, { defaultValue: item.kind })}</span></td>
                <td><Marking marking={{ tlp: item.label.tlp, statements: [] }} />{item.label.only != null && <span className={classes.under}>{t('evidence.onlySome', { count: item.label.only.length })}</span>}</td>
                <td><Mark tone={itemTone(item)} word={t(`evidence.states.${item.state}`)} />{item.held && <span className={classes.under}>{t('evidence.isHeld')}</span>}{item.offer && <span className={classes.under}>{t('evidence.isOffered')}</span>}</td>
                <td>{party(item.custodian)}</td>
                <td>{item.size == null ? '–' : bytes(item.size)}</td>
                <td>{item.sha256 == null ? '–' : <code className={classes.hash} title={item.sha256}>{item.sha256.slice(0, 16)}…</code>}</td>
                <td>{item.received == null ? '–' : <Ago at={item.received} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  )
}
