import type { NewRoomMail, RoomLine, RoomRecipients } from '../../api/room.ts'

/** What says something in words that a mail would carry. */
const KINDS = new Set<string>(['note', 'reported', 'mailed', 'decided', 'task-offered', 'severity-declared', 'period'])
/** People whom one entry is sent to at once. */
export const RECIPIENTS_MAX = 50

/** Whether an entry may go by mail to anybody: never what is TLP:RED. */
export const goesByMail = ({ entry, label, says }: Pick<RoomLine, 'entry' | 'label' | 'says'>) =>
  entry != null && label != null && label.tlp !== 'red' && says != null && KINDS.has(says.says)

const PERSON = 'person:'
const MEMBER = 'member:'

/** Who can be chosen: whole organisations, and people. */
export function choicesOf(list: RoomRecipients, names: { organisation: (name: string) => string; account: (account: string) => string }) {
  return {
    members: list.members.map((name) => ({ value: MEMBER + name, label: names.organisation(name) })),
    persons: list.persons.map((one) => ({ value: PERSON + one.account, label: `${names.account(one.account)} (${names.organisation(one.organisation)})` })),
  }
}

/** What is asked of the hub for what was chosen. */
export function askedOf(key: string, chosen: string[]): NewRoomMail {
  const those = (kind: string) => chosen.filter((one) => one.startsWith(kind)).map((one) => one.slice(kind.length))
  return { key, people: those(PERSON), organisations: those(MEMBER) }
}
