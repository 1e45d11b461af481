import { useTranslation } from 'react-i18next'

import { nameOf, useSession } from '../api/session.ts'
import { absolute } from '../format/time.ts'
import { useLanguage } from '../i18n.ts'
import { useNow } from '../input/now.ts'
import classes from './print-head.module.css'

/** What stands above every printed page: whose it is, when it was true, who printed it, and whether it is an exercise. */
export function PrintHead() {
  const { t } = useTranslation()
  const language = useLanguage()
  const { node, organisation, person } = useSession()
  const now = useNow(30_000)
  const isExercise = node.realm.startsWith('exercise:')
  return (
    <div className={`print-only ${classes.head}`} aria-hidden>
      {isExercise && <strong className={classes.exercise}>訓練 / EXERCISE {node.realm.slice('exercise:'.length)}</strong>}
      <span>{nameOf(node, language)}</span>
      <span>{t('print.by', { name: person.name, organisation: nameOf(organisation, language) })}</span>
      <span>{t('common.asOf')} {absolute(now, 'JST')} / {absolute(now, 'UTC')}</span>
    </div>
  )
}
