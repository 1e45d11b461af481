import type { Room, RoomPerson } from '../../api/room.ts'

/** The people whom a room names, each with the organisation it last wrote for; oneself first. */
export function peopleOf(room: Pick<Room, 'timeline' | 'situation' | 'you'>): RoomPerson[] {
  const found = new Map<string, RoomPerson>()
  const add = (account: string | null | undefined, organisation: string | null | undefined) => {
    if (account != null && organisation != null && !found.has(account)) found.set(account, { account, organisation })
  }
  add(room.you.account, room.you.organisation)
  // The newest line comes first.
  for (const line of room.timeline) add(line.by, line.organisation)
  for (const person of [room.situation.commander, ...Object.values(room.situation.leads)]) add(person?.account, person?.organisation)
  return [...found.values()]
}

export const isSame = (one: RoomPerson | null | undefined, you: Room['you']) =>
  one != null && you.account != null && one.account === you.account && one.organisation === you.organisation
