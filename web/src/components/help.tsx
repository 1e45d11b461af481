import { Switch } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { setSingleKeysEnabled, singleKeysEnabled } from '../input/shortcuts.ts'
import classes from './help.module.css'
import { usePlaces } from './shell.tsx'
import { Dialog } from './dialog.tsx'

/** Every key there is, and the switch that turns single letters off. */
export default function Help({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const places = usePlaces()
  const [single, setSingle] = useState(singleKeysEnabled())
  const groups: [string, [string, string][]][] = [
    ['everywhere', [['Ctrl K', 'palette'], ['/', 'search'], ['?', 'help'], ['[', 'rail'], ['Esc', 'close']]],
    ['lists', [['j / k', 'move'], ['Enter', 'open'], ['x', 'filters']]],
    ['case', [['n', 'note'], ['s', 'severity'], ['a', 'assign'], ['e', 'edit'], ['.', 'actions'], ['Ctrl Enter', 'send']]],
  ]
  return (
    <Dialog opened={opened} onClose={onClose} title={t('help.title')} size="lg">
      <div className={classes.columns}>
        <section>
          <h3>{t('help.go')}</h3>
          <dl>
            {places.map((place) => (
              <Line key={place.name} keys={place.keys} text={t(`places.${place.name}`)} />
            ))}
          </dl>
        </section>
        {groups.map(([group, lines]) => (
          <section key={group}>
            <h3>{t(`help.${group}`)}</h3>
            <dl>
              {lines.map(([keys, text]) => (
                <Line key={keys} keys={keys} text={t(`help.keys.${text}`)} />
              ))}
            </dl>
          </section>
        ))}
      </div>
      <Switch
        mt="lg"
        label={t('help.single')}
        description={t('help.singleWhy')}
        checked={single}
        onChange={(event) => {
          setSingle(event.currentTarget.checked)
          setSingleKeysEnabled(event.currentTarget.checked)
        }}
      />
    </Dialog>
  )
}

function Line({ keys, text }: { keys: string; text: string }) {
  return (
    <div className={classes.line}>
      <dt>
        {keys.split(' ').map((key) => (key === '/' && keys.includes(' ') ? <span key={key}>/</span> : <kbd key={key}>{key}</kbd>))}
      </dt>
      <dd>{text}</dd>
    </div>
  )
}
