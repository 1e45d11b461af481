import type { Room, RoomLabel } from '../../api/room.ts'

/** Whom an entry is for, as a person chooses it. */
export interface Choice {
  /** `side`: one's own organisation alone; `room`: whoever may see what bears the level; `some`: those that are named. */
  scope: 'side' | 'room' | 'some'
  tlp: string
  organisations: string[]
  stub: boolean
}

export const LEVELS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const

/** The levels that an entry of this case may bear: none is freer than the case. */
export function levelsFor(caseLevel: string | undefined): string[] {
  const least = LEVELS.findIndex((level) => level === caseLevel)
  return LEVELS.slice(least < 0 ? LEVELS.length - 1 : least)
}

/** What is sent. One's own organisation is always among those that see it: the hub adds it. */
export function labelOf(choice: Choice, own: string): RoomLabel {
  if (choice.scope === 'room') return { tlp: choice.tlp, stub: false }
  return { tlp: choice.tlp, only: choice.scope === 'side' ? [own] : choice.organisations, stub: choice.stub }
}

/** Whether there is somebody else to choose for. */
export function isComplete(choice: Choice): boolean {
  return choice.scope !== 'some' || choice.organisations.length > 0
}

/** The scope that a label is of, for its reader. */
export function scopeOf(label: RoomLabel, own: string): Choice['scope'] {
  if (label.only == null) return 'room'
  return label.only.length === 1 && label.only[0] === own ? 'side' : 'some'
}

/** The organisations that entries may be limited to: whoever is named in the room, but for oneself. */
export function others(room: Pick<Room, 'organisations' | 'you'>): string[] {
  return Object.keys(room.organisations).filter((name) => name !== room.you.organisation).sort()
}
