import { useTranslation } from 'react-i18next'

import classes from './severity-picker.module.css'

const LEVELS = [0, 1, 2, 3, 4, 5]

/** Picks a severity: arrow keys or digits, each with its word. */
export function SeverityPicker({ value, onChange }: { value: number; onChange: (level: number) => void }) {
  const { t } = useTranslation()
  return (
    <fieldset className={classes.set}>
      <legend>{t('severity.word')}</legend>
      <div className={classes.levels}>
        {LEVELS.map((level) => (
          <label key={level} className={classes.level} data-level={level}>
            <input type="radio" name="severity" value={level} checked={level === value} onChange={() => onChange(level)} />
            <b>{level}</b>
            <span>{t(`severity.${level}`)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
