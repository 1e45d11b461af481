import { useCallback } from 'react'

import { useOrganisations } from '../api/queries.ts'
import { nameOf, useSession } from '../api/session.ts'
import { useLanguage } from '../i18n.ts'

/** Names of organisations by their short names. A reader who may not list them sees the short name. */
export function useOrganisationName(): (id: string) => string {
  const language = useLanguage()
  const { organisation, may } = useSession()
  // Whoever may not list them is not refused for asking.
  const all = useOrganisations(may.includes('read') || may.includes('inspect')).data
  return useCallback((id: string) => {
    const found = all?.find((one) => one.id === id) ?? (organisation.id === id ? organisation : undefined)
    return found ? nameOf(found, language) : id
  }, [all, organisation, language])
}
