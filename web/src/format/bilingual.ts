import type { Language } from './time.ts'

const JAPANESE = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u

/**
 * The reader's half of a name that was given in both languages, as `蛸壺 / TAKOTSUBO`. Used in lists, where there is room for
 * one; an object's own page shows the name as its producer wrote it. Whatever is not plainly such a pair stays as it is.
 */
export function inLanguage(text: string, language: Language): string {
  return text.split(' — ').map((part) => half(part, language)).join(' — ')
}

function half(text: string, language: Language): string {
  const [ja, en, ...more] = text.split(' / ')
  if (ja === undefined || en === undefined || more.length > 0 || !JAPANESE.test(ja) || JAPANESE.test(en)) return text
  if (language === 'ja') return ja
  // A count is written once, before both: `3 組織 / organisations`.
  const count = /^(\d+)\s/u.exec(ja)?.[1]
  return count === undefined || /^\d/u.test(en) ? en : `${count} ${en}`
}
