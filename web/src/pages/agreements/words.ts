import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { useOrganisationName } from '../../components/organisation-name.ts'
import { useLanguage } from '../../i18n.ts'

/** A giver or receiver in words: an organisation, or all members of the council that it coordinates. */
export function useSideName(): (side: string) => string {
  const { t } = useTranslation()
  const name = useOrganisationName()
  return useCallback((side: string) => (side.endsWith(':members') ? t('agreements.members', { name: name(side.slice(0, -':members'.length)) }) : name(side)), [t, name])
}

/** Words in a row, as the language joins them. */
export function useJoin(): (words: readonly string[]) => string {
  const language = useLanguage()
  return useCallback((words: readonly string[]) => new Intl.ListFormat(language, { type: 'conjunction' }).format(words), [language])
}
