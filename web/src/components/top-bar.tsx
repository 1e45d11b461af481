import { ActionIcon, Menu, Tooltip, useMantineColorScheme } from '@mantine/core'
import { CircleHelp, ClipboardList, Languages, LogOut, Monitor, Moon, Search, Sun, UserRound } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'

import { nameOf, useSession, useSignOut } from '../api/session.ts'
import { time } from '../format/time.ts'
import { setLanguage, useLanguage } from '../i18n.ts'
import { useNow } from '../input/now.ts'
import { useLive } from '../stream/provider.tsx'
import { useAwaiting } from './duties.tsx'
import { LiveMark } from './live-mark.tsx'
import { useToasts } from './toast.tsx'
import classes from './top-bar.module.css'

/** Node and organisation, realm, search, clocks, my work, person. */
export function TopBar({ onPalette, onHelp }: { onPalette: () => void; onHelp: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { node, organisation, may } = useSession()
  const exercise = node.realm.startsWith('exercise:')
  return (
    <header className={classes.bar} data-exercise={exercise || undefined}>
      <Link to="/" className={classes.node}>
        <Mark />
        <span className={classes.names}>
          <strong>{nameOf(node, language)}</strong>
          {nameOf(organisation, language) !== nameOf(node, language) && <span>{nameOf(organisation, language)}</span>}
        </span>
      </Link>
      {exercise && (
        <span className={classes.exercise}>
          訓練 / EXERCISE <span className={classes.exerciseName}>{node.realm.slice('exercise:'.length)}</span>
        </span>
      )}
      <button type="button" className={classes.search} onClick={onPalette}>
        <Search size={15} aria-hidden />
        <span>{t('shell.search')}</span>
        <kbd aria-hidden>Ctrl K</kbd>
      </button>
      {may.includes('read') && <LiveMark />}
      <DutyClocks />
      <MyWork />
      <Tooltip label={t('shell.help')}>
        <ActionIcon className={classes.wide} variant="subtle" color="gray" size={34} aria-label={t('shell.help')} onClick={onHelp}>
          <CircleHelp size={18} strokeWidth={1.75} />
        </ActionIcon>
      </Tooltip>
      <PersonMenu />
    </header>
  )
}

/** A watchtower in one line. */
function Mark() {
  return (
    <svg className={classes.mark} viewBox="0 0 24 24" width="24" height="24" aria-hidden fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round">
      <path d="M3 9.2 12 3.5l9 5.7M5.5 11h13M7.5 11v10M16.5 11v10M7.5 16h9" />
    </svg>
  )
}

function DutyClocks() {
  const now = useNow()
  return (
    <dl className={classes.clocks}>
      <div>
        <dt>JST</dt>
        <dd>{time(now, 'JST')}</dd>
      </div>
      <div>
        <dt>UTC</dt>
        <dd>{time(now, 'UTC', false)}</dd>
      </div>
    </dl>
  )
}

function MyWork() {
  const { t } = useTranslation()
  const { person, may } = useSession()
  const cases = (useLive().state.board?.cases ?? []).filter((one) => one.assignee === person.id).length
  const decisions = useAwaiting()
  const [to, mine] = may.includes('decide-authorisation') ? ['/oversight', decisions] : ['/cases?filter=mine', cases]
  if (!may.includes('work-cases') && !may.includes('decide-authorisation')) return null
  return (
    <Link to={to} className={classes.work}>
      <ClipboardList size={17} strokeWidth={1.75} aria-hidden />
      <span>{t('shell.myWork')}</span>
      <b>{mine}</b>
    </Link>
  )
}

function PersonMenu() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { person, node } = useSession()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { mutate: signOut } = useSignOut()
  const { fail } = useToasts()
  const navigate = useNavigate()
  const schemes = [['light', Sun], ['dark', Moon], ['auto', Monitor]] as const
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <button type="button" className={classes.person} aria-label={t('shell.person', { name: person.name })}>
          {[...person.name][0]?.toUpperCase()}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={classes.who}>
          <strong>{person.name}</strong>
          <span>{person.roles.map((role) => t(`roles.${role}`)).join(language === 'ja' ? '、' : ', ')}</span>
        </div>
        <Menu.Item leftSection={<UserRound size={15} />} onClick={() => void navigate('/me')}>{t('places.me')}</Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<Languages size={15} />} onClick={() => void setLanguage(language === 'ja' ? 'en' : 'ja').catch(fail)}>
          <span lang={language === 'ja' ? 'en' : 'ja'}>{language === 'ja' ? 'English' : '日本語'}</span>
        </Menu.Item>
        {schemes.map(([scheme, Icon]) => (
          <Menu.Item key={scheme} leftSection={<Icon size={15} />} rightSection={colorScheme === scheme ? '✓' : undefined} onClick={() => setColorScheme(scheme)}>
            {t(`scheme.${scheme}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={15} />} onClick={() => signOut(undefined, { onError: fail })}>{t('shell.signOut')}</Menu.Item>
        <div className={classes.version}>Yagura {node.version}</div>
      </Menu.Dropdown>
    </Menu>
  )
}
