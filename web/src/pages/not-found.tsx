import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'

import { Empty } from '../components/empty.tsx'
import { Page } from '../components/page.tsx'

export default function NotFoundPage() {
  const { t } = useTranslation()
  return (
    <Page title={t('notFound.title')}>
      <Empty title={t('notFound.what')} action={<Link className="text-link" to="/">{t('notFound.home')}</Link>}>{t('notFound.why')}</Empty>
    </Page>
  )
}
