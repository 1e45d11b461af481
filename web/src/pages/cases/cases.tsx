import { Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useSearchParams } from 'react-router'

import { call } from '../../api/client.ts'
import { useCases, type CaseFilter } from '../../api/queries.ts'
import { useRooms } from '../../api/room.ts'
import { useMay, useSession } from '../../api/session.ts'
import type { Case, CaseSummary, NewCase } from '../../api/types.ts'
import { CaseRows } from '../../components/case-rows.tsx'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Marking } from '../../components/marking.tsx'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { Page, Section } from '../../components/page.tsx'
import { sectorWord } from '../../components/sector-word.ts'
import { SeverityPicker } from '../../components/severity-picker.tsx'
import { Ago } from '../../components/time.tsx'
import { Waiting } from '../../components/waiting.tsx'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { useShortcuts } from '../../input/shortcuts.ts'
import { useLive } from '../../stream/provider.tsx'
import { gravestFirst } from '../../stream/reducer.ts'
import classes from './cases.module.css'
import { Dialog } from '../../components/dialog.tsx'

const FILTERS = ['open', 'mine', 'closed', 'all'] as const
type Filter = (typeof FILTERS)[number]
type Sort = 'severity' | 'changed' | 'opened'

const ORDERS: Record<Sort, (a: CaseSummary, b: CaseSummary) => number> = {
  severity: gravestFirst,
  changed: (a, b) => Date.parse(b.changed) - Date.parse(a.changed),
  opened: (a, b) => Date.parse(b.opened) - Date.parse(a.opened),
}

/** What is being worked on, by whom, and since when. */
export default function CasesPage() {
  const { t } = useTranslation()
  const { person } = useSession()
  const mayWork = useMay('work-cases')
  const [parameters, setParameters] = useSearchParams()
  const filter = FILTERS.find((one) => one === parameters.get('filter')) ?? 'open'
  const sector = parameters.get('sector')
  const sort: Sort = (['severity', 'changed', 'opened'] as const).find((one) => one === parameters.get('sort')) ?? 'severity'
  const cases = useCases(wire(filter))
  const [creating, setCreating] = useState(false)
  const set = (name: string, value: string | null) => setParameters((held) => {
    const next = new URLSearchParams(held)
    if (value === null) next.delete(name)
    else next.set(name, value)
    return next
  }, { replace: true })
  const all = cases.data?.cases ?? []
  const shown = all
    .filter((one) => (filter !== 'mine' || one.assignee === person.id) && (sector === null || one.sectors.includes(sector)))
    .sort(ORDERS[sort])
  useShortcuts({ c: () => mayWork && setCreating(true) })
  const aside = cases.data && (
    <>
      <span>{t('cases.count', { count: shown.length })}</span>
      <span>{shown.length === all.length ? t('search.unfiltered') : t('cases.hidden', { count: all.length - shown.length })}</span>
      <span>{t('common.asOf')} <Ago at={cases.data.as_of} /></span>
    </>
  )
  return (
    <Page title={t('places.cases')} aside={aside} actions={mayWork && <Button size="xs" leftSection={<Plus size={15} />} onClick={() => setCreating(true)}>{t('cases.new')}</Button>}>
      <div className={classes.filters}>
        <SegmentedControl size="xs" value={filter} onChange={(value) => set('filter', value)} data={FILTERS.map((one) => ({ value: one, label: t(`cases.filter.${one}`) }))} aria-label={t('cases.filterLabel')} />
        <Select size="xs" w={170} allowDeselect={false} aria-label={t('cases.sort')} value={sort} onChange={(value) => set('sort', value)} data={(['severity', 'changed', 'opened'] as const).map((one) => ({ value: one, label: t(`cases.sortBy.${one}`) }))} />
        {sector !== null && <Button size="compact-xs" variant="default" onClick={() => set('sector', null)}>{sectorWord(sector, t)} ×</Button>}
      </div>
      {cases.error ? <ErrorNote error={cases.error} retry={() => void cases.refetch()} />
        : cases.isPending ? <Waiting />
        : shown.length === 0 ? <Empty title={t(`cases.none.${filter}`)}>{t('cases.noneHint')}</Empty>
        : <List cases={shown} />}
      {mayWork && <Elsewhere />}
      <Creation opened={creating} onClose={() => setCreating(false)} />
    </Page>
  )
}

/** Cases that other hubs share: they have no row here, and a room. */
function Elsewhere() {
  const { t } = useTranslation()
  const language = useLanguage()
  const name = useOrganisationName()
  const others = (useRooms().data?.cases ?? []).filter((one) => one.number == null)
  if (others.length === 0) return null
  return (
    <Section title={t('room.elsewhere')} aside={t('cases.count', { count: others.length })}>
      <ul className={classes.elsewhere}>
        {others.map((one) => (
          <li key={one.id}>
            <Link className="text-link" to={`/cases/${one.id}/room`}>{inLanguage(one.title, language)}</Link>
            <span className="quiet">{name(one.originator)}</span>
            <Marking marking={one.marking} />
          </li>
        ))}
      </ul>
    </Section>
  )
}

function wire(filter: Filter): CaseFilter {
  return filter === 'mine' ? 'open' : filter
}

function List({ cases }: { cases: CaseSummary[] }) {
  const navigate = useNavigate()
  const { state } = useLive()
  const [active, setActive] = useState(-1)
  const move = (step: number) => setActive((held) => Math.max(0, Math.min(cases.length - 1, held + step)))
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      const one = cases[active]
      if (one) void navigate(`/cases/${one.id}`)
    },
  })
  return <CaseRows cases={cases} fresh={state.fresh} active={active} />
}

function Creation({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [title, setTitle] = useState('')
  const [severity, setSeverity] = useState(2)
  const create = useMutation({
    mutationFn: (wanted: NewCase) => call<Case>('POST', '/api/v1/cases', wanted),
    onSuccess: (created) => {
      client.setQueryData(['case', created.summary.id], created)
      void client.invalidateQueries({ queryKey: ['cases'] })
      setTitle('')
      onClose()
      void navigate(`/cases/${created.summary.id}`)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate({ title: title.trim(), severity, objects: [] })
  }
  return (
    <Dialog opened={opened} onClose={onClose} title={t('cases.new')}>
      <form onSubmit={submit} className={classes.form}>
        <TextInput data-autofocus label={t('cases.title')} maxLength={200} required withAsterisk={false} value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
        <SeverityPicker value={severity} onChange={setSeverity} />
        {create.error && <ErrorNote error={create.error} />}
        <Button type="submit" loading={create.isPending} disabled={title.trim() === ''}>{t('cases.open')}</Button>
      </form>
    </Dialog>
  )
}
