import { useMantineColorScheme } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { CircleHelp, FileText, FileWarning, FolderOpen, Languages, Moon, Search, Share2, ShieldCheck, Sun, Upload, UserRound, type LucideIcon } from 'lucide-react'
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'

import { useCases, useObjectHints } from '../api/queries.ts'
import { useMay } from '../api/session.ts'
import { inLanguage } from '../format/bilingual.ts'
import { recognise } from '../format/value.ts'
import { setLanguage, useLanguage } from '../i18n.ts'
import { Marking } from './marking.tsx'
import classes from './palette.module.css'
import { Severity } from './severity.tsx'
import { usePlaces } from './shell.tsx'
import { useToasts } from './toast.tsx'
import { typeWord } from './type-word.ts'
import type { CaseSummary, ObjectSummary } from '../api/types.ts'

interface Entry {
  id: string
  group: 'search' | 'pages' | 'cases' | 'objects' | 'settings'
  icon: LucideIcon
  text: string
  hint?: string
  case?: CaseSummary
  object?: ObjectSummary
  run: () => void
}

/** Ctrl-K: one box to go anywhere and find anything. A dialog of the browser's own: it has the focus before the next key comes. */
export default function Palette({ opened, onClose, onHelp }: { opened: boolean; onClose: () => void; onHelp: () => void }) {
  return opened ? <Dialog onClose={onClose} onHelp={onHelp} /> : null
}

function Dialog({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const { t } = useTranslation()
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const before = document.activeElement
    const current = dialog.current
    current?.showModal()
    return () => {
      current?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className={classes.dialog}
      aria-label={t('palette.title')}
      onCancel={(event) => { event.preventDefault(); onClose() }}
      // What is clicked beside the box is the dialog's own ground.
      onClick={(event) => { if (event.target === event.currentTarget) onClose() }}
    >
      <Box onClose={onClose} onHelp={onHelp} />
    </dialog>
  )
}

function Box({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const entries = useEntries(text, onHelp)
  const list = useRef<HTMLDivElement>(null)
  const current = entries[Math.min(active, entries.length - 1)]

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [current?.id])

  const run = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    entry.run()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setActive((entries.length + Math.min(active, entries.length - 1) + step) % Math.max(1, entries.length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      run(current)
    }
  }
  return (
    <div className={classes.box}>
      <div className={classes.field}>
        <Search size={17} aria-hidden />
        <input
          autoFocus
          role="combobox"
          aria-expanded
          aria-controls="palette-list"
          aria-activedescendant={current && `palette-${current.id}`}
          aria-label={t('palette.title')}
          placeholder={t('palette.placeholder')}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value)
            setActive(0)
          }}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      <div id="palette-list" role="listbox" aria-label={t('palette.results')} className={classes.list} ref={list}>
        {entries.map((entry, place) => (
          <Row
            key={entry.id}
            entry={entry}
            selected={entry === current}
            heading={entries[place - 1]?.group !== entry.group}
            onPick={() => run(entry)}
            onPoint={() => setActive(place)}
          />
        ))}
        {entries.length === 0 && <div className={classes.none} role="option" aria-selected={false} aria-disabled tabIndex={-1}>{t('palette.nothing')}</div>}
      </div>
    </div>
  )
}

function Row({ entry, selected, heading, onPick, onPoint }: { entry: Entry; selected: boolean; heading: boolean; onPick: () => void; onPoint: () => void }) {
  const { t } = useTranslation()
  const Icon = entry.icon
  return (
    <>
      {heading && <div role="presentation" className={classes.heading}>{t(`palette.groups.${entry.group}`)}</div>}
      <div id={`palette-${entry.id}`} role="option" aria-selected={selected} tabIndex={-1} className={classes.row} onClick={onPick} onMouseMove={onPoint}>
        <Icon size={15} strokeWidth={1.75} aria-hidden />
        {entry.case && <Severity level={entry.case.severity} />}
        <span className={classes.text}>{entry.text}</span>
        {entry.object && <Marking marking={entry.object.marking} />}
        {entry.hint !== undefined && <span className={classes.hint}>{entry.hint}</span>}
      </div>
    </>
  )
}

function useEntries(text: string, onHelp: () => void): Entry[] {
  const { t } = useTranslation()
  const wanted = text.trim()
  const [settled] = useDebouncedValue(wanted, 120)
  const navigate = useNavigate()
  const go = (path: string) => () => void navigate(path)
  const language = useLanguage()
  const fixed = useFixedEntries(go, onHelp)
  const cases = useCases('all', useMay('work-cases')).data?.cases ?? []
  const mayRead = useMay('read')
  const objects = useObjectHints(settled, mayRead).data?.objects ?? []
  const matches = (entry: Entry) => wanted === '' || `${entry.text} ${entry.hint ?? ''}`.toLowerCase().includes(wanted.toLowerCase())

  const found: Entry[] = cases
    .filter((one) => (wanted === '' ? one.state === 'open' : isCase(one, wanted)))
    .slice(0, wanted === '' ? 4 : 6)
    .map((one) => ({ id: one.id, group: 'cases', icon: FolderOpen, text: `#${one.number} ${inLanguage(one.title, language)}`, case: one, run: go(`/cases/${one.id}`) }))
  const known: Entry[] = wanted === '' ? [] : objects.map((one) => (
    { id: one.id, group: 'objects', icon: FileText, text: inLanguage(one.name, language), hint: typeWord(one.object_type, t), object: one, run: go(`/intelligence/${one.id}`) }))
  const value = recognise(wanted)
  const search: Entry[] = wanted === '' || !mayRead ? [] : [{
    id: 'search',
    group: 'search',
    icon: Search,
    text: value ? t('palette.searchValue', { value: value.value }) : t('palette.searchFor', { text: wanted }),
    ...(value ? { hint: typeWord(value.kind, t) } : {}),
    run: go(`/intelligence?q=${encodeURIComponent(wanted)}`),
  }]
  const pages = fixed.filter((entry) => entry.group === 'pages' && matches(entry))
  const settings = fixed.filter((entry) => entry.group === 'settings' && matches(entry))
  // A number or a word that names a page leads there first; everything else is a search first.
  return [...(pages.length > 0 && wanted !== '' ? pages : []), ...(/^#?\d+$/u.test(wanted) ? found : []), ...search,
    ...(/^#?\d+$/u.test(wanted) ? [] : found), ...known, ...(wanted === '' ? pages : []), ...settings]
}

/** A case by its number, with or without #, or by its title or member. */
function isCase(one: CaseSummary, wanted: string): boolean {
  const number = /^#?(\d+)$/u.exec(wanted)?.[1]
  if (number !== undefined) return String(one.number).startsWith(number)
  const lower = wanted.toLowerCase()
  return one.title.toLowerCase().includes(lower) || one.members.some((member) => member.includes(lower))
}

function useFixedEntries(go: (path: string) => () => void, onHelp: () => void): Entry[] {
  const { t } = useTranslation()
  const language = useLanguage()
  const { setColorScheme } = useMantineColorScheme()
  const places = usePlaces()
  const pages: Entry[] = places.map((place) => (
    { id: place.name, group: 'pages', icon: place.icon, text: t(`places.${place.name}`), hint: place.keys, run: go(place.path) }))
  const { fail } = useToasts()
  const other = language === 'ja' ? 'en' : 'ja'
  const mayPublish = useMay('write')
  const mayReport = useMay('write-reports')
  const mayAskFor = useMay('request-authorisation')
  // The parts of sharing are looked for by their own names.
  const parts: Entry[] = (useMay('read') ? ['requests', 'recalls', 'agreements', 'groups', 'questions'] : []).map((part) => (
    { id: part, group: 'pages', icon: Share2, text: t(`sharing.${part}`), hint: t('places.sharing'), run: go(`/sharing/${part}`) }))
  const answers: Entry[] = (useMay('read-runs') ? ['approvals', 'runs', 'requests', 'orders', 'outreach', 'playbooks', 'reviews'] : []).map((part) => (
    { id: `response-${part}`, group: 'pages', icon: ShieldCheck, text: t(`response.parts.${part}`), hint: t('places.response'), run: go(`/response/${part}`) }))
  const law = places.find(({ name }) => ['oversight', 'authorisations', 'asked'].includes(name))
  return [
    ...pages,
    ...(mayReport ? [{ id: 'emergency-report', group: 'pages', icon: FileWarning, text: t('reporting.begin'), hint: t('places.reports'), run: go('/reports/new') } as const] : []),
    ...(law?.name === 'authorisations' && mayAskFor ? [{ id: 'request', group: 'pages', icon: law.icon, text: t('oversight.request'), hint: t(`places.${law.name}`), run: go('/oversight/authorisations/new') } as const] : []),
    ...(law ? [{ id: 'commission', group: 'pages', icon: law.icon, text: t('oversight.parts.commission'), hint: t(`places.${law.name}`), run: go(`${law.path}/commission`) } as const] : []),
    ...(mayPublish ? [{ id: 'publish', group: 'pages', icon: Upload, text: t('publish.open'), hint: t('places.intelligence'), run: go('/intelligence/publish') } as const] : []),
    ...answers,
    ...parts,
    { id: 'me', group: 'pages', icon: UserRound, text: t('places.me'), run: go('/me') },
    { id: 'language', group: 'settings', icon: Languages, text: other === 'en' ? 'English' : '日本語', hint: t('palette.language'), run: () => void setLanguage(other).catch(fail) },
    { id: 'dark', group: 'settings', icon: Moon, text: t('scheme.dark'), hint: t('palette.scheme'), run: () => setColorScheme('dark') },
    { id: 'light', group: 'settings', icon: Sun, text: t('scheme.light'), hint: t('palette.scheme'), run: () => setColorScheme('light') },
    { id: 'help', group: 'settings', icon: CircleHelp, text: t('shell.help'), hint: '?', run: onHelp },
  ]
}
