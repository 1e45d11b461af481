import type { TFunction } from 'i18next'

/** A STIX type in words; one that is not in the specification keeps its own name. */
export function typeWord(type: string, t: TFunction): string {
  return t(`types.${type}`, { defaultValue: type })
}
