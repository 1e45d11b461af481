import { useLocalStorage } from '@mantine/hooks'
import { FileWarning, FolderOpen, LayoutDashboard, PanelLeftClose, PanelLeftOpen, RadioTower, Scale, Search, Settings2, Share2, ShieldCheck } from 'lucide-react'
import { Suspense, useEffect, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { NavLink, useLocation, useNavigate } from 'react-router'

import { useOversight } from '../api/oversight.ts'
import { useMay, useSession } from '../api/session.ts'
import { useShortcuts } from '../input/shortcuts.ts'
import { EmergencyPage } from '../pages/parts.ts'
import { useDraftSender, useReadiness } from '../pages/reports/sender.ts'
import { part, useAhead } from '../part.ts'
import { LiveProvider, useLive } from '../stream/provider.tsx'
import { Boundary, explained } from './boundary.tsx'
import { useAwaiting, useDuties } from './duties.tsx'
import { EmergencyBanner } from './emergency-banner.tsx'
import { PrintHead } from './print-head.tsx'
import classes from './shell.module.css'
import { useToasts } from './toast.tsx'
import { TopBar } from './top-bar.tsx'

// Neither is on the first screen; both are fetched as soon as that stands.
const Palette = part(() => import('./palette.tsx'))
const Help = part(() => import('./help.tsx'))
const AHEAD = [Palette, Help]
const AHEAD_OF_AN_INCIDENT = [...AHEAD, EmergencyPage]
const AFTER_FIRST_SCREEN_MS = 1500

export interface Place {
  path: string
  name: 'board' | 'intelligence' | 'cases' | 'reports' | 'response' | 'edges' | 'sharing' | 'oversight' | 'authorisations' | 'asked' | 'administration'
  keys: string
  icon: typeof Search
}

const PLACES: Place[] = [
  { path: '/', name: 'board', keys: 'g b', icon: LayoutDashboard },
  { path: '/intelligence', name: 'intelligence', keys: 'g i', icon: Search },
  { path: '/cases', name: 'cases', keys: 'g c', icon: FolderOpen },
  { path: '/reports', name: 'reports', keys: 'g r', icon: FileWarning },
  { path: '/response', name: 'response', keys: 'g p', icon: ShieldCheck },
  { path: '/edges', name: 'edges', keys: 'g e', icon: RadioTower },
  { path: '/oversight', name: 'oversight', keys: 'g o', icon: Scale },
  { path: '/oversight', name: 'authorisations', keys: 'g o', icon: Scale },
  { path: '/asked', name: 'asked', keys: 'g o', icon: Scale },
  { path: '/sharing', name: 'sharing', keys: 'g s', icon: Share2 },
  { path: '/administration', name: 'administration', keys: 'g a', icon: Settings2 },
]

/** The places this person may go to. */
export function usePlaces(): Place[] {
  const { may, organisation } = useSession()
  const seesAuthorisations = may.includes('see-authorisations') || may.includes('request-authorisation')
  const isOperator = organisation.role === 'operator'
  const oversight = useOversight(seesAuthorisations && may.includes('read'), false).data
  // Where nothing is ever authorised, there is nothing to ask for; an operator is told that, too.
  const isUsed = oversight !== undefined && (oversight.off_because !== 'no-frame' || oversight.commission != null)
  return PLACES.filter(({ name }) => {
    switch (name) {
      case 'board': case 'intelligence': return may.includes('read')
      case 'cases': return may.includes('work-cases')
      case 'reports': return may.includes('write-reports') || may.includes('answer-reports')
      case 'response': return may.includes('read-runs') || may.includes('review-emergencies')
      case 'edges': return may.includes('see-edges')
      case 'sharing': return (['read', 'see-releases', 'inspect', 'open-seals'] as const).some((one) => may.includes(one))
      case 'oversight': return may.includes('decide-authorisation') || may.includes('constitute-commission')
      case 'authorisations': return seesAuthorisations && may.includes('read') && !isOperator && isUsed
      case 'asked': return isOperator && may.includes('see-authorisations')
      case 'administration': return may.includes('administer') || may.includes('qualify-people') || may.includes('raise-emergency') || may.includes('review-emergencies') || may.includes('inspect')
    }
  })
}

/** The frame around every page: rail, top bar, palette, help. */
export function Shell({ children }: { children: ReactNode }) {
  return (
    <LiveProvider>
      <Frame>{children}</Frame>
    </LiveProvider>
  )
}

function Frame({ children }: { children: ReactNode }) {
  const { t } = useTranslation()
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  // Once opened they stay, so that closing gives the focus back.
  const [were, setWere] = useState({ palette: false, help: false })
  if ((palette && !were.palette) || (help && !were.help)) setWere({ palette: were.palette || palette, help: were.help || help })
  const [narrow, setNarrow] = useLocalStorage({ key: 'yagura.rail-narrow', defaultValue: false })
  const navigate = useNavigate()
  const places = usePlaces()
  const main = useMainFocus()
  const { fail } = useToasts()
  const mayReport = useMay('write-reports')
  useDraftSender(mayReport)
  useReadiness(mayReport)
  useAhead(mayReport ? AHEAD_OF_AN_INCIDENT : AHEAD, AFTER_FIRST_SCREEN_MS)

  const onFault = (fault: unknown) => {
    if (!palette && !help) return
    setPalette(false)
    setHelp(false)
    fail(explained(fault))
  }

  useShortcuts({
    ...Object.fromEntries(places.map((place) => [place.keys, () => void navigate(place.path)])),
    '/': () => void navigate('/intelligence'),
    '?': () => setHelp(true),
    '[': () => setNarrow(!narrow),
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        setPalette((open) => !open)
      }
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])

  return (
    <div className={classes.frame} data-narrow={narrow || undefined}>
      <a className="skip-link" href="#main">{t('shell.skip')}</a>
      <TopBar onPalette={() => setPalette(true)} onHelp={() => setHelp(true)} />
      <Rail places={places} narrow={narrow} onNarrow={() => setNarrow(!narrow)} />
      <main id="main" className={classes.main} tabIndex={-1} ref={main}>
        <PrintHead />
        <EmergencyBanner />
        {children}
      </main>
      <Boundary place={`${palette} ${help}`} onFault={onFault}>
        <Suspense fallback={null}>
          {were.palette && <Palette opened={palette} onClose={() => setPalette(false)} onHelp={() => setHelp(true)} />}
          {were.help && <Help opened={help} onClose={() => setHelp(false)} />}
        </Suspense>
      </Boundary>
    </div>
  )
}

function Rail({ places, narrow, onNarrow }: { places: Place[]; narrow: boolean; onNarrow: () => void }) {
  const { t } = useTranslation()
  const open = useLive().state.board?.cases.length ?? 0
  const all = useDuties()
  const waits = (place: Place['name']) => all.filter((duty) => duty.place === place).reduce((sum, { count }) => sum + count, 0)
  const counts: Partial<Record<Place['name'], number>> = { cases: open, reports: waits('reports'), response: waits('response'), sharing: waits('sharing'), oversight: useAwaiting() }
  const Toggle = narrow ? PanelLeftOpen : PanelLeftClose
  return (
    <nav className={classes.rail} aria-label={t('shell.rail')}>
      <ul>
        {places.map(({ path, name, icon: Icon }) => (
          <li key={name}>
            <NavLink to={path} end={path === '/'} className={classes.place} title={narrow ? t(`places.${name}`) : undefined}>
              <Icon size={17} strokeWidth={1.75} aria-hidden />
              <span className={classes.word}>{t(`places.${name}`)}</span>
              {(counts[name] ?? 0) > 0 && <span className={classes.count}>{counts[name]}</span>}
            </NavLink>
          </li>
        ))}
      </ul>
      <button type="button" className={classes.toggle} onClick={onNarrow} aria-expanded={!narrow}>
        <Toggle size={17} strokeWidth={1.75} aria-hidden />
        <span className={classes.word}>{t(narrow ? 'shell.widen' : 'shell.narrow')}</span>
      </button>
    </nav>
  )
}

/** A change of page moves the focus to it, as loading a page does. */
function useMainFocus() {
  const main = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  const before = useRef(pathname)
  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    main.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [pathname])
  return main
}
