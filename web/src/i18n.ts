import i18next from 'i18next'
import { initReactI18next, useTranslation } from 'react-i18next'

import { ApiError } from './api/error.ts'
import type { Language } from './format/time.ts'

const KEY = 'yagura.language'
const FILES: Record<Language, () => Promise<{ default: object }>> = {
  ja: () => import('./locales/ja.json'),
  en: () => import('./locales/en.json'),
}

/** The language last chosen, else the browser's; Japanese where the browser speaks neither. */
export function preferredLanguage(stored: string | null, browser: readonly string[]): Language {
  if (stored === 'ja' || stored === 'en') return stored
  const first = browser.find((tag) => /^(?:ja|en)\b/iu.test(tag))
  return first?.toLowerCase().startsWith('en') ? 'en' : 'ja'
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

export async function startLanguage(): Promise<void> {
  const language = preferredLanguage(stored(), navigator.languages)
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: { translation: (await FILES[language]()).default } },
    interpolation: { escapeValue: false },
    nsSeparator: false,
    returnNull: false,
  })
  document.documentElement.lang = language
}

/** Switches the whole console; the choice is kept. Fails where its words cannot be fetched. */
export async function setLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, 'translation')) {
    const words = await FILES[language]().catch((fault: unknown) => {
      throw new ApiError('unreachable', 0, fault instanceof Error ? fault.message : undefined)
    })
    i18next.addResourceBundle(language, 'translation', words.default)
  }
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
  try {
    localStorage.setItem(KEY, language)
  } catch {
    // Storage is refused: the choice lasts until the page is closed.
  }
}

export function useLanguage(): Language {
  const { i18n } = useTranslation()
  return i18n.language === 'en' ? 'en' : 'ja'
}
