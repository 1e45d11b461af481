import type { Words } from '../../api/reports.ts'
import { useLanguage } from '../../i18n.ts'

/** A label begins with a capital; the hub's words are written as within a sentence. */
export const asLabel = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** What the hub says in both languages, in the reader's. */
export function useWords(): (words: Words) => string {
  const language = useLanguage()
  return (words) => words[language]
}
