// Who is asked for evidence, and who asks: of this council, or of another hub.
import type { EvidenceAskableHub, EvidenceRequest, Words } from '../../api/evidence.ts'

interface Choice {
  value: string
  label: string
}

interface Group {
  group: string
  items: Choice[]
}

/** Whom a request can go to: this council first, then hub by hub; without other hubs, a plain choice. */
export function askedChoice(council: Choice[], hubs: EvidenceAskableHub[], here: string, words: (words: Words) => string): Choice[] | Group[] {
  if (hubs.length === 0) return council
  const abroad = hubs.map((hub) => ({ group: words(hub.name), items: hub.organisations.map((one) => ({ value: one.id, label: words(one.name) })) }))
  return [...(council.length === 0 ? [] : [{ group: here, items: council }]), ...abroad]
}

/** What an organisation of a request is called where it is one of another hub: with its hub. */
export function nameAbroad(request: EvidenceRequest, organisation: string): Words | null {
  if (organisation === request.from.organisation) return request.from_name ?? null
  return organisation === request.to ? (request.to_name ?? null) : null
}

/** The same of whoever was asked or asked in any of some requests. */
export const nameInAny = (requests: EvidenceRequest[], organisation: string): Words | null =>
  requests.map((request) => nameAbroad(request, organisation)).find((name) => name !== null) ?? null

/** The organisations of other hubs that asked, as a choice of who may see an item. */
export function askersAbroad(requests: EvidenceRequest[], words: (words: Words) => string): Choice[] {
  const found = requests.flatMap(({ from, from_name: name }) => (name == null ? [] : [[from.organisation, words(name)] as const]))
  return [...new Map(found)].map(([value, label]) => ({ value, label }))
}
