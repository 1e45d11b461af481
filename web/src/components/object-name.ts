import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import { inLanguage } from '../format/bilingual.ts'
import { defang } from '../format/value.ts'
import { useLanguage } from '../i18n.ts'
import { typeWord } from './type-word.ts'

/** What a line calls an object: its name in the reader's language, or its type and the beginning of its identifier where it has none. */
export function useObjectName(): (id: string, name: string) => string {
  const { t } = useTranslation()
  const language = useLanguage()
  return useCallback((id: string, name: string) => {
    if (name !== id && name !== '') return inLanguage(defang(name), language)
    const [type = '', uuid = ''] = id.split('--')
    return `${typeWord(type, t)} ${uuid.slice(0, 8)}…`
  }, [t, language])
}
