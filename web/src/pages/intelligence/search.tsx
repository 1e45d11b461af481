import { Button, Checkbox, Select, Switch, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Search, Upload } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useSearchParams } from 'react-router'

import { useObjects, type ObjectSearch } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { ObjectPage, ObjectSummary } from '../../api/types.ts'
import { Empty } from '../../components/empty.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { Page } from '../../components/page.tsx'
import { Ago } from '../../components/time.tsx'
import { typeWord } from '../../components/type-word.ts'
import { Waiting } from '../../components/waiting.tsx'
import { exact } from '../../format/number.ts'
import { recognise } from '../../format/value.ts'
import { useShortcuts } from '../../input/shortcuts.ts'
import { useLive } from '../../stream/provider.tsx'
import { FindTabs } from '../../components/find-tabs.tsx'
import { FacetRow, SaveSearch, Similar } from './narrow.tsx'
import { ObjectRow } from './object-row.tsx'
import classes from './search.module.css'
import { Selection } from './selection.tsx'

/** The types people look for first; the rest of the specification's are under "other types". */
const FIRST_TYPES = ['indicator', 'malware', 'intrusion-set', 'threat-actor', 'campaign', 'attack-pattern', 'vulnerability', 'report', 'sighting', 'identity']
const OTHER_TYPES = ['tool', 'course-of-action', 'grouping', 'incident', 'infrastructure', 'location', 'malware-analysis', 'note', 'observed-data', 'opinion',
  'relationship', 'ipv4-addr', 'ipv6-addr', 'domain-name', 'url', 'file', 'email-addr', 'autonomous-system', 'x509-certificate']

/** What do we know about this? */
export default function SearchPage() {
  const { t } = useTranslation()
  const [parameters, setParameters] = useSearchParams()
  const search: ObjectSearch = useMemo(() => ({
    text: (parameters.get('q') ?? '').trim(),
    types: (parameters.get('type') ?? '').split(',').filter(Boolean),
    revoked: parameters.get('revoked') === 'yes',
    sort: parameters.get('sort') === 'added' ? 'added' : 'relevance',
    tlp: parameters.get('tlp') ?? '',
    originator: parameters.get('originator') ?? '',
    confidence: parameters.get('confidence') ?? '',
  }), [parameters])
  const change = (name: string, value: string | null) => setParameters((held) => {
    const next = new URLSearchParams(held)
    if (value === null || value === '') next.delete(name)
    else next.set(name, value)
    return next
  }, { replace: true })
  const mayPublish = useMay('write')
  const objects = useObjects(search)
  const pages = objects.data?.pages
  const rows = useMemo(() => pages?.flatMap((page) => page.objects) ?? [], [pages])
  const first = pages?.[0]
  const [chosen, setChosen] = useState<ReadonlyMap<string, ObjectSummary>>(new Map())
  const choose = (object: ObjectSummary) => setChosen((held) => {
    const next = new Map(held)
    if (!next.delete(object.id)) next.set(object.id, object)
    return next
  })
  const narrowing = [search.tlp, search.originator, search.confidence].filter(Boolean).length
  return (
    <Page
      title={t('places.intelligence')}
      actions={
        <>
          <SaveSearch search={search} />
          {mayPublish && <Button component={Link} to="/intelligence/publish" size="xs" variant="default" leftSection={<Upload size={15} />}>{t('publish.open')}</Button>}
        </>
      }
    >
      <FindTabs />
      <Filters search={search} change={change} />
      <FacetRow search={search} change={change} narrowing={narrowing} />
      <div className={classes.bar}>
        <div className={classes.count}>{first && <Count page={first} search={search} refetch={() => void objects.refetch()} />}</div>
        <Order search={search} change={change} />
      </div>
      {objects.error ? <ErrorNote error={objects.error} retry={() => void objects.refetch()} />
        : objects.isPending ? <Waiting lines={8} />
        : rows.length === 0 && (first?.similar?.length ?? 0) === 0 ? <Nothing search={search} onClear={() => setParameters({ q: search.text })} />
        : null}
      {first?.similar && first.similar.length > 0 && <Similar objects={first.similar} />}
      {rows.length > 0 && !objects.error && <List chosen={chosen} choose={choose} rows={rows} more={objects.hasNextPage} loading={objects.isFetchingNextPage} onMore={() => void objects.fetchNextPage()} />}
      <Selection chosen={[...chosen.values()]} onClear={() => setChosen(new Map())} />
    </Page>
  )
}

function Count({ page, search, refetch }: { page: ObjectPage; search: ObjectSearch; refetch: () => void }) {
  const { t } = useTranslation()
  const { state } = useLive()
  const newer = state.recent.filter(({ event }) => event.event === 'object' && Date.parse(event.object.date_added) > Date.parse(page.as_of)).length
  const atLeast = page.count >= page.count_max
  return (
    <>
      <span data-testid="count">{t(atLeast ? 'search.atLeast' : 'search.count', { count: page.count, text: exact(page.count) })}</span>
      <span>{t(search.types.length > 0 ? 'search.filtered' : search.revoked ? 'search.unfiltered' : 'search.revokedHidden')}</span>
      <span>{t('common.asOf')} <Ago at={page.as_of} /></span>
      {newer > 0 && <button type="button" className={classes.newer} onClick={refetch}>{t('search.newer', { count: newer })}</button>}
    </>
  )
}

export interface Searching {
  search: ObjectSearch
  change: (name: string, value: string | null) => void
}

function Order({ search, change }: Searching) {
  const { t } = useTranslation()
  return (
    <div className={classes.order}>
      <Switch size="xs" label={t('search.revoked')} checked={search.revoked} onChange={(event) => change('revoked', event.currentTarget.checked ? 'yes' : null)} />
      {search.text !== '' && (
        <Select
          aria-label={t('search.sort')}
          size="xs"
          w={140}
          value={search.sort}
          allowDeselect={false}
          data={[{ value: 'relevance', label: t('search.byRelevance') }, { value: 'added', label: t('search.byAdded') }]}
          onChange={(sort) => change('sort', sort === 'added' ? sort : null)}
        />
      )}
    </div>
  )
}

function Filters({ search, change }: Searching) {
  const { t } = useTranslation()
  const [text, setText] = useState(search.text)
  const composing = useRef(false)
  const field = useRef<HTMLInputElement>(null)
  const settle = useDebouncedCallback((value: string) => change('q', value), 250)
  const value = recognise(text)
  useShortcuts({ '/': () => field.current?.focus(), x: () => { for (const one of ['type', 'revoked', 'tlp', 'originator', 'confidence']) change(one, null) } })
  useEffect(() => {
    if (document.activeElement !== field.current && !composing.current) setText(search.text)
  }, [search.text])
  const toggle = (type: string) => {
    const types = search.types.includes(type) ? search.types.filter((one) => one !== type) : [...search.types, type]
    change('type', types.join(','))
  }
  const extra = search.types.filter((type) => !FIRST_TYPES.includes(type))
  return (
    <search className={classes.filters}>
      <TextInput
        ref={field}
        size="md"
        type="search"
        aria-label={t('search.label')}
        placeholder={t('search.placeholder')}
        leftSection={<Search size={17} aria-hidden />}
        value={text}
        autoFocus
        spellCheck={false}
        autoComplete="off"
        // While an input method composes, what stands in the field is not yet what is meant.
        onCompositionStart={() => { composing.current = true }}
        onCompositionEnd={(event) => { composing.current = false; settle(event.currentTarget.value) }}
        onChange={(event) => {
          setText(event.currentTarget.value)
          if (!composing.current) settle(event.currentTarget.value)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') change('q', event.currentTarget.value)
        }}
      />
      {value && <p className={classes.value}>{t('search.asValue', { kind: typeWord(value.kind, t) })} <span className="mono">{value.value}</span></p>}
      <div className={classes.types} role="group" aria-label={t('search.types')}>
        {[...FIRST_TYPES, ...extra].map((type) => (
          <button key={type} type="button" className={classes.type} aria-pressed={search.types.includes(type)} onClick={() => toggle(type)}>
            {typeWord(type, t)}
          </button>
        ))}
        <Select
          aria-label={t('search.otherTypes')}
          placeholder={t('search.otherTypes')}
          size="xs"
          w={132}
          value={null}
          data={OTHER_TYPES.filter((type) => !extra.includes(type)).map((type) => ({ value: type, label: typeWord(type, t) }))}
          onChange={(type) => type && toggle(type)}
          searchable
        />
      </div>
    </search>
  )
}

const ROW_HEIGHT = 64

interface Listed {
  rows: ObjectSummary[]
  more: boolean
  loading: boolean
  onMore: () => void
  chosen: ReadonlyMap<string, ObjectSummary>
  choose: (object: ObjectSummary) => void
}

function List({ rows, more, loading, onMore, chosen, choose }: Listed) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const scroll = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState(-1)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroll.current, estimateSize: () => ROW_HEIGHT, overscan: 12 })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (more && !loading && last >= rows.length - 15) onMore()
  }, [more, loading, last, rows.length, onMore])
  const move = (step: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, active + step))
    setActive(next)
    virtual.scrollToIndex(next, { align: 'auto' })
  }
  const open = () => {
    const row = rows[active]
    if (row) void navigate(`/intelligence/${row.id}`)
  }
  const mark = () => {
    const row = rows[active]
    if (row) choose(row)
  }
  useShortcuts({ s: mark, j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: open })
  return (
    <div className={classes.scroll} ref={scroll} tabIndex={0} role="group" aria-label={t('search.results')}>
      <ol className={classes.list} style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index]
          return row && (
            <li key={item.key} style={{ transform: `translateY(${item.start}px)`, height: ROW_HEIGHT }} aria-setsize={rows.length} aria-posinset={item.index + 1}>
              <Checkbox size="xs" className={classes.check ?? ''} aria-label={t('finding.select', { name: row.name })} checked={chosen.has(row.id)} onChange={() => choose(row)} />
              <ObjectRow object={row} active={item.index === active} />
            </li>
          )
        })}
      </ol>
      {loading && <p className={classes.loading}>{t('search.loading')}</p>}
    </div>
  )
}

function Nothing({ search, onClear }: { search: ObjectSearch; onClear: () => void }) {
  const { t } = useTranslation()
  if (search.text === '' && search.types.length === 0) return <Empty title={t('search.empty')}>{t('search.emptyHint')}</Empty>
  const value = recognise(search.text)
  return (
    <Empty
      title={value ? t('search.valueUnknown', { value: value.value }) : t('search.nothing')}
      action={search.types.length > 0 && <button type="button" className={classes.newer} onClick={onClear}>{t('search.clear')}</button>}
    >
      {value ? t('search.valueUnknownHint') : t('search.nothingHint')}
    </Empty>
  )
}
