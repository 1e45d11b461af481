import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

import type { EvidenceItem, EvidenceParty, EvidenceRequest } from '../../api/evidence.ts'
import { useOrganisationName } from '../../components/organisation-name.ts'
import { inLanguage } from '../../format/bilingual.ts'
import { useLanguage } from '../../i18n.ts'
import { nameInAny } from './asked.ts'

export const KINDS = ['disk-image', 'memory-image', 'log', 'network-capture', 'malware', 'mail', 'document', 'photograph', 'other'] as const

export type Tone = 'good' | 'warn' | 'bad' | 'plain'

/** How a party is named: the person, and the organisation. */
export function usePartyName(): (party: EvidenceParty) => string {
  const organisation = useOrganisationName()
  const language = useLanguage()
  const { t } = useTranslation()
  return useCallback((party: EvidenceParty) => {
    const name = organisation(party.organisation)
    return party.name == null ? name : t('evidence.partyOf', { person: inLanguage(party.name, language), organisation: name })
  }, [organisation, language, t])
}

/** The same where some may be of another hub: those of the requests. */
export function useSideName(requests: EvidenceRequest[]): (party: EvidenceParty) => string {
  const party = usePartyName()
  const language = useLanguage()
  const { t } = useTranslation()
  return useCallback((one: EvidenceParty) => {
    const abroad = nameInAny(requests, one.organisation)
    if (abroad === null) return party(one)
    return one.name == null ? abroad[language] : t('evidence.partyOf', { person: one.name, organisation: abroad[language] })
  }, [requests, party, language, t])
}

export function itemTone(item: EvidenceItem): Tone {
  if (item.state === 'announced') return 'warn'
  return item.state === 'disposed' ? 'bad' : 'good'
}

export function requestTone(request: EvidenceRequest): Tone {
  if (request.state === 'refused') return 'bad'
  if (request.state === 'asked' || request.state === 'accepted') return 'warn'
  return request.state === 'fulfilled' ? 'good' : 'plain'
}
