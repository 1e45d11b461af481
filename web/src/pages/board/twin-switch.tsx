import { useTranslation } from 'react-i18next'

import classes from './board.module.css'

/** Every chart has a table twin. */
export function TwinSwitch({ table, onChange }: { table: boolean; onChange: (table: boolean) => void }) {
  const { t } = useTranslation()
  return (
    <button type="button" className={classes.twin} aria-pressed={table} onClick={() => onChange(!table)}>
      {t(table ? 'board.asChart' : 'board.asTable')}
    </button>
  )
}
