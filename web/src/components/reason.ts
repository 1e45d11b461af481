import type { i18n } from 'i18next'

import type { ApiError } from '../api/error.ts'

/** Stands for the English particulars while a text is looked at for a place for them. */
const PARTICULARS = '\u0000'

/** What a broken rule says: cause and remedy in one text, and whether the hub's own words add to it. */
export interface Said {
  text: string
  adds: boolean
}

/** Why a request did not succeed, in a catalogue's language; nothing where the catalogue does not know the reason, as of a newer hub. */
export function saidOf({ t, exists }: Pick<i18n, 't' | 'exists'>, { broken }: Pick<ApiError, 'broken'>): Said | null {
  if (broken === undefined || !exists(`errors.reasons.${broken.reason}`)) return null
  const { field, ...others } = broken.params
  const named = field === undefined ? {} : { field: exists(`errors.fields.${field}`) ? t(`errors.fields.${field}`) : field }
  const said = t(`errors.reasons.${broken.reason}`, { ...others, ...named, detail: PARTICULARS })
  return { text: said.replaceAll(PARTICULARS, '').trimEnd(), adds: said.includes(PARTICULARS) }
}
