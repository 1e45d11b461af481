import { useTranslation } from 'react-i18next'

import { readScope } from './emergency.ts'
import { useOrganisationName } from './organisation-name.ts'

/** What an emergency is for, in words. */
export function useScopeWords(): (scope: string) => string {
  const { t } = useTranslation()
  const name = useOrganisationName()
  return (text) => {
    const scope = readScope(text)
    if (scope === null) return text
    if (scope.kind === 'level') return t('emergencies.scopeLevel', { name: name(scope.originator), level: `TLP:${scope.tlp.toUpperCase()}` })
    if (scope.kind === 'class') return t('emergencies.scopeClass', { name: t(`emergencies.classes.${scope.name}`, { defaultValue: scope.name }) })
    return t('emergencies.scopeObject', { id: scope.id })
  }
}
