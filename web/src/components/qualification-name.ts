import { useDefinedQualifications } from '../api/identity.ts'
import type { DefinedQualification } from '../api/types.ts'
import type { Language } from '../format/time.ts'
import { useLanguage } from '../i18n.ts'

/** What a clearance or an oath is called, by the policies in force; its bare name where they no longer define it. */
export function useQualificationName(): (qualification: string) => string {
  const language = useLanguage()
  const known = useDefinedQualifications().data?.qualifications ?? []
  return (qualification) => {
    const found = known.find((one) => one.qualification === qualification)
    return found ? named(found, language) : qualification
  }
}

export function named(one: DefinedQualification, language: Language): string {
  return language === 'ja' ? one.name_ja : one.name_en
}
