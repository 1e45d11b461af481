// Who can be given a copy, as a choice: hub by hub, this council first.
import type { ReportFiling, ReportReceiverList, ReportSummary, Words } from '../../api/reports.ts'

interface Group {
  group: string
  items: { value: string; label: string }[]
}

/** The choice; a hub of which nobody can be given one is left out. `here` is what this council is called. */
export function receiverGroups(list: ReportReceiverList | undefined, here: string, words: (words: Words) => string): Group[] {
  const group = (hub: ReportReceiverList['hubs'][number]): Group => ({
    group: hub.hub == null ? here : words(hub.name),
    items: hub.organisations.map((one) => ({ value: one.id, label: words(one.name) })),
  })
  return (list?.hubs ?? []).filter((hub) => hub.organisations.length > 0).map(group)
}

/** Whose report it is: of another hub's, the organisation and its hub. */
export function whose(summary: ReportSummary, name: (id: string) => string, words: (words: Words) => string): string {
  if (summary.organisation_name == null) return name(summary.organisation)
  const organisation = words(summary.organisation_name)
  return summary.hub == null ? organisation : `${organisation} (${words(summary.hub)})`
}

/** Who filed, by name; of a copy from another hub its heading tells that in both languages, and here stands one of them alone. */
export const filedBy = (summary: ReportSummary, filing: ReportFiling): string | null => (summary.hub == null ? (filing.by_name ?? null) : null)

/** Whom a copy was given to; nothing where it went another way. */
export function givenTo(filing: ReportFiling, name: (id: string) => string, words: (words: Words) => string): string | null {
  if (filing.given_to_name != null) return words(filing.given_to_name)
  return filing.given_to == null ? null : name(filing.given_to)
}
