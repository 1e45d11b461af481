import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { CATEGORIES } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'

/** A measure's ground in a word, with the article that the frame names for it. */
export function useCategory(): (category: string, article?: string) => string {
  const { t } = useTranslation()
  return useCallback((category: string, article?: string) => {
    const word = t(`oversight.category.${category}`, { defaultValue: category })
    return article === undefined || article === '' ? word : t('oversight.categoryArticle', { category: word, article })
  }, [t])
}

/** Hours in the unit that people count them by: 90 days, 24 hours. */
export function useHours(): (hours: number) => string {
  const { t } = useTranslation()
  return useCallback((hours: number) => (hours >= 48 && hours % 24 === 0 ? t('oversight.days', { count: hours / 24 }) : t('oversight.hours', { count: hours })), [t])
}

/** A length of time in days and hours: what a law counts by, and not cut to its largest unit. */
export function useLength(): (seconds: number) => string {
  const { t } = useTranslation()
  return useCallback((seconds: number) => {
    const hours = Math.max(0, Math.round(seconds / 3600))
    const [days, rest] = hours < 48 ? [0, hours] : [Math.floor(hours / 24), hours % 24]
    if (days === 0) return t('oversight.hours', { count: rest })
    const whole = t('oversight.days', { count: days })
    return rest === 0 ? whole : t('oversight.lengthBoth', { days: whole, hours: t('oversight.hours', { count: rest }) })
  }, [t])
}

/** Where the reader's pages about authorisations are: an operator has its own. */
export function useBase(): string {
  return useSession().organisation.role === 'operator' ? '/asked' : '/oversight'
}

/** Grounds in the order that people read them in. */
export const CATEGORY_ORDER = CATEGORIES
