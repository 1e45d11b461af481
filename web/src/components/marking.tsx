import { useTranslation } from 'react-i18next'

import type { Marking as MarkingType } from '../api/types.ts'
import classes from './marking.module.css'

/** An object's marking, as text in TLP's official colours. An object without one says so. */
export function Marking({ marking }: { marking: MarkingType }) {
  const { t } = useTranslation()
  const tlp = marking.tlp
  if (!tlp) return <span className={classes.none}>{t('marking.none')}</span>
  return (
    <span className={classes.tlp} data-tlp={tlp.split('+')[0]}>
      {`TLP:${tlp.toUpperCase()}`}
    </span>
  )
}
