import type { Words } from '../../api/reports.ts'
import { useLanguage } from '../../i18n.ts'

/** What the hub says in both languages, in the reader's. */
export function useWords(): (words: Words) => string {
  const language = useLanguage()
  return (words) => words[language]
}
