import { Select } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { offer, relabel, type EvidenceItem, type EvidenceLabel } from '../../api/evidence.ts'
import { useOrganisations, usePeople } from '../../api/queries.ts'
import { nameOf, useMay } from '../../api/session.ts'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { Act } from './act.tsx'
import { LabelChoice } from './label-choice.tsx'

/** Offers an item to other hands. It changes them only when it is accepted. */
export function Offer({ item, onClose }: { item: EvidenceItem; onClose: () => void }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const council = useOrganisations().data ?? []
  const people = usePeople(useMay('administer')).data ?? []
  const [organisation, setOrganisation] = useState<string | null>(null)
  const [person, setPerson] = useState<string | null>(null)
  const there = people.filter((one) => one.organisation === organisation && !one.disabled)
  return (
    <Act
      onClose={onClose}
      title={t('evidence.act.offer')}
      act={t('evidence.offerNow')}
      said={t('evidence.nowOffered')}
      basis="may"
      complete={organisation !== null}
      run={({ reason, legalBasis }) => offer(item.id, { organisation: organisation ?? '', reason, ...(person === null ? {} : { person }), ...(legalBasis === '' ? {} : { legal_basis: legalBasis }) })}
    >
      <p>{t('evidence.offerHint')}</p>
      <Select data-autofocus label={t('evidence.toOrganisation')} searchable value={organisation} onChange={(chosen) => { setOrganisation(chosen); setPerson(null) }} data={council.map((one) => ({ value: one.id, label: nameOf(one, language) }))} />
      {there.length > 0 && <Select label={t('evidence.toPerson')} clearable searchable value={person} onChange={setPerson} data={there.map((one) => ({ value: one.id, label: inLanguage(one.name, language) }))} />}
    </Act>
  )
}

/** Changes who may see an item. */
export function Relabel({ item, least, audiences, onClose }: { item: EvidenceItem; least: string; audiences: Record<string, string[]>; onClose: () => void }) {
  const { t } = useTranslation()
  const [label, setLabel] = useState<EvidenceLabel>(item.label)
  return (
    <Act onClose={onClose} title={t('evidence.act.label')} act={t('evidence.labelNow')} said={t('evidence.nowLabelled')} run={({ reason }) => relabel(item.id, { label, reason })}>
      <LabelChoice of={item.case} value={label} onChange={setLabel} least={least} audiences={audiences} />
    </Act>
  )
}
