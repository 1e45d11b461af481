import { MultiSelect, SegmentedControl, Select } from '@mantine/core'
import { useTranslation } from 'react-i18next'

import { useEvidenceRequests, type EvidenceLabel } from '../../api/evidence.ts'
import { useOrganisations } from '../../api/queries.ts'
import { nameOf, useSession } from '../../api/session.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { useLanguage } from '../../i18n.ts'
import { useWords } from '../reports/words.ts'
import { levelsFor } from '../room/audience.ts'
import { askersAbroad } from './asked.ts'
import classes from './evidence.module.css'

interface LabelChoiceProps {
  /** The case. */
  of: string
  value: EvidenceLabel
  onChange: (label: EvidenceLabel) => void
  /** The level of the case: none freer is offered. */
  least: string
  /** Roles of organisations that see what bears a level. */
  audiences: Record<string, string[]>
}

/** Chooses who may see an item, and says in words who will. */
export function LabelChoice({ of, value, onChange, least, audiences }: LabelChoiceProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { organisation } = useSession()
  const others = (useOrganisations().data ?? []).filter((one) => one.id !== organisation.id)
  const askers = useAskers(of)
  const scope = value.only == null ? 'level' : 'some'
  return (
    <div className={classes.label}>
      <SegmentedControl
        size="xs"
        aria-label={t('evidence.for')}
        value={scope}
        onChange={(chosen) => onChange(chosen === 'level' ? { tlp: value.tlp } : { tlp: value.tlp, only: [] })}
        data={(['some', 'level'] as const).map((one) => ({ value: one, label: t(`evidence.scope.${one}`) }))}
      />
      <Select size="xs" w={150} allowDeselect={false} aria-label={t('evidence.level')} value={value.tlp} onChange={(tlp) => onChange({ ...value, tlp: tlp ?? value.tlp })} data={levelsFor(least).map((one) => ({ value: one, label: `TLP:${one.toUpperCase()}` }))} />
      {scope === 'some' && (
        <MultiSelect size="xs" className={classes.some} searchable aria-label={t('evidence.andOrganisations')} placeholder={t('evidence.andOrganisations')} value={value.only ?? []} onChange={(only) => onChange({ ...value, only })} data={[...others.map((one) => ({ value: one.id, label: nameOf(one, language) })), ...askers]} />
      )}
      <p className={classes.audience} data-scope={scope}><Audience of={of} label={value} audiences={audiences} /></p>
    </div>
  )
}

/** Who of other hubs asked for evidence of a case, and may so be handed some. */
function useAskers(of: string) {
  const words = useWords()
  return askersAbroad(useEvidenceRequests(of).data?.requests ?? [], words)
}

/** Who sees what bears a label, in words. */
export function Audience({ of, label, audiences }: { of: string; label: EvidenceLabel; audiences?: Record<string, string[]> }) {
  const { t } = useTranslation()
  const { organisation } = useSession()
  const here = useOrganisationName()
  const askers = new Map(useAskers(of).map((one) => [one.value, one.label]))
  const name = (id: string) => askers.get(id) ?? here(id)
  if (label.only != null) {
    const names = [...new Set([...(audiences ? [organisation.id] : []), ...label.only])].map(name)
    return t('evidence.seenBySome', { names: names.join(t('room.comma')) })
  }
  const roles = audiences?.[label.tlp]
  if (!roles) return t('evidence.seenByLevel')
  return t('evidence.seenByRoles', { roles: roles.map((role) => t(`audience.${role}`, { defaultValue: role })).join(t('room.comma')) })
}
