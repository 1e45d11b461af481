import { useTranslation } from 'react-i18next'

import { exact } from '../format/number.ts'
import { Ago } from './time.tsx'

/** How many a list holds, and as of when. `updated` is when the hub was last asked. */
export function Count({ count, updated, more = false }: { count: number; updated: number; more?: boolean }) {
  const { t } = useTranslation()
  return <span data-testid="list-count">{t(more ? 'common.firstOnes' : 'common.inAll', { text: exact(count) })} · {t('common.asOf')} <Ago at={new Date(updated).toISOString()} /></span>
}
