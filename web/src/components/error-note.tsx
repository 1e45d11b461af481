import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'

import { asApiError } from '../api/error.ts'
import classes from './notes.module.css'

/** What happened, what was kept, what to do, and the id to quote. */
export function ErrorNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation()
  const problem = asApiError(error)
  return (
    <div className={classes.error} role="alert">
      <p className={classes.what}>{t(`errors.${problem.code}.what`)}</p>
      <p>{t(`errors.${problem.code}.kept`)}</p>
      <p>{t(`errors.${problem.code}.do`)}</p>
      {problem.detail !== undefined && (
        <p className={classes.detail}>
          {t('errors.detail')} <span lang="en">{problem.detail}</span>
        </p>
      )}
      <p className={classes.quote}>
        {t('errors.quote')} <code>{problem.code}</code>
        {problem.request !== undefined && <code>{problem.request}</code>}
      </p>
      {retry && (
        <Button variant="default" size="xs" mt={8} onClick={retry}>
          {t('errors.retry')}
        </Button>
      )}
    </div>
  )
}
