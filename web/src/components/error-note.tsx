import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'

import { asApiError } from '../api/error.ts'
import classes from './notes.module.css'
import { saidOf } from './reason.ts'

/** What happened, what was kept, what to do, and the id to quote. A reason that is known says by itself what happened and what to do. */
export function ErrorNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t, i18n: { exists } } = useTranslation()
  const problem = asApiError(error)
  const said = saidOf({ t, exists }, problem)
  return (
    <div className={classes.error} role="alert">
      <p className={classes.what}>{said?.text ?? t(`errors.${problem.code}.what`)}</p>
      <p>{t(`errors.${problem.code}.kept`)}</p>
      {said === null && <p>{t(`errors.${problem.code}.do`)}</p>}
      {problem.detail !== undefined && said?.adds !== false && (
        <p className={classes.detail}>
          {t('errors.detail')} <span lang="en">{problem.detail}</span>
        </p>
      )}
      <p className={classes.quote}>
        {t('errors.quote')} <code>{problem.code}</code>
        {problem.broken !== undefined && <code>{problem.broken.reason}</code>}
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
