import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'

import { Copy } from './copy.tsx'
import classes from './secret.module.css'

/** A secret that is shown this once. */
export function Secret({ title, secret, hint, onDone }: { title: string; secret: string; hint: string; onDone: () => void }) {
  const { t } = useTranslation()
  return (
    <div className={classes.box} role="status">
      <strong>{title}</strong>
      <p>{t('secret.once')}</p>
      <div className={classes.secret}>
        <code>{secret}</code>
        <Copy text={secret} />
      </div>
      <p className="quiet">{hint}</p>
      <Button variant="default" onClick={onDone}>{t('secret.kept')}</Button>
    </div>
  )
}
