import { Checkbox, MultiSelect, SegmentedControl, Select } from '@mantine/core'
import { useTranslation } from 'react-i18next'

import { useOrganisations } from '../../api/queries.ts'
import { nameOf } from '../../api/session.ts'
import { useLanguage } from '../../i18n.ts'
import { levelsFor, others, type Choice } from './audience.ts'
import classes from './room.module.css'
import { useHere } from './use-room.tsx'

/** Chooses who an entry is for, and says in words who will see it. */
export function LabelChoice({ value, onChange }: { value: Choice; onChange: (choice: Choice) => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { room, organisation, level } = useHere()
  const council = useOrganisations().data ?? []
  // Who is in the room, by the names that entries have; and whoever else is in the council, by its name here.
  const inRoom = others(room)
  const known = new Set(Object.values(room.organisations).map((one) => one.here))
  const choices = [
    ...inRoom.map((name) => ({ value: name, label: organisation(name) })),
    ...council.filter((one) => !known.has(one.id)).map((one) => ({ value: one.id, label: nameOf(one, language) })),
  ]
  return (
    <div className={classes.label}>
      <SegmentedControl
        size="xs"
        aria-label={t('room.for')}
        value={value.scope}
        onChange={(scope) => onChange({ ...value, scope: scope as Choice['scope'] })}
        data={(['side', 'some', 'room'] as const).map((scope) => ({ value: scope, label: t(`room.scope.${scope}`) }))}
      />
      <Select
        size="xs"
        w={150}
        allowDeselect={false}
        aria-label={t('room.level')}
        value={value.tlp}
        onChange={(tlp) => onChange({ ...value, tlp: tlp ?? level })}
        data={levelsFor(room.case.marking.tlp ?? undefined).map((one) => ({ value: one, label: `TLP:${one.toUpperCase()}` }))}
      />
      {value.scope === 'some' && (
        <MultiSelect size="xs" className={classes.some} searchable aria-label={t('room.organisations')} placeholder={t('room.organisations')} value={value.organisations} onChange={(organisations) => onChange({ ...value, organisations })} data={choices} />
      )}
      {value.scope !== 'room' && (
        <Checkbox size="xs" label={t('room.stubChoice')} checked={value.stub} onChange={(event) => onChange({ ...value, stub: event.currentTarget.checked })} />
      )}
      <p className={classes.audience} data-scope={value.scope}><Audience choice={value} choices={choices} /></p>
    </div>
  )
}

function Audience({ choice, choices }: { choice: Choice; choices: { value: string; label: string }[] }) {
  const { t } = useTranslation()
  const { room, organisation } = useHere()
  const own = organisation(room.you.organisation)
  const label = (name: string) => choices.find((one) => one.value === name)?.label ?? name
  if (choice.scope === 'side') return t('room.seenBySide', { name: own })
  if (choice.scope === 'some') return t('room.seenBySome', { names: [own, ...choice.organisations.map(label)].join(t('room.comma')) })
  const roles = room.audiences[choice.tlp] ?? []
  return t('room.seenByRoles', { roles: roles.map((role) => t(`audience.${role}`, { defaultValue: role })).join(t('room.comma')) || own })
}
