import { useEffect, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { nameOf, useNode } from '../../api/session.ts'
import { useToasts } from '../../components/toast.tsx'
import { setLanguage, useLanguage } from '../../i18n.ts'
import classes from './entrance.module.css'

/** The page before the door: whose node this is, and one thing to do. */
export function Entrance({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const node = useNode().data
  useEffect(() => {
    document.title = `${title} — ${node ? nameOf(node, language) : 'Yagura'}`
  }, [title, node, language])
  const { fail } = useToasts()
  return (
    <div className={classes.page}>
      {node?.realm.startsWith('exercise:') && <div className={classes.exercise}>訓練 / EXERCISE</div>}
      <main className={classes.column}>
        <div className={classes.node}>
          <svg viewBox="0 0 24 24" width="30" height="30" aria-hidden fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round">
            <path d="M3 9.2 12 3.5l9 5.7M5.5 11h13M7.5 11v10M16.5 11v10M7.5 16h9" />
          </svg>
          <span>{node ? nameOf(node, language) : 'Yagura'}</span>
        </div>
        <h1>{title}</h1>
        {children}
      </main>
      <footer className={classes.foot}>
        <button type="button" lang={language === 'ja' ? 'en' : 'ja'} onClick={() => void setLanguage(language === 'ja' ? 'en' : 'ja').catch(fail)}>
          {language === 'ja' ? 'English' : '日本語'}
        </button>
        {node?.transparency === true && <a href={`/transparency?lang=${language}`}>{t('signIn.transparency')}</a>}
        <span>{t('signIn.version', { version: node?.version ?? '' })}</span>
      </footer>
    </div>
  )
}
