// A room that is open is asked for what is new: an answer may continue the one that is held.
import type { components } from './schema.ts'

type Room = components['schemas']['Room']
type RoomLine = components['schemas']['RoomLine']

/** What is held with what is new; all of an answer that does not continue it. At most `limit` lines, the newest first. */
export function continued(held: Room | undefined, news: Room, limit: number): Room {
  if (!news.continues || !held) return news
  return {
    ...news,
    timeline: merged(held.timeline, news.timeline).slice(0, limit),
    organisations: { ...held.organisations, ...news.organisations },
    people: { ...held.people, ...news.people },
  }
}

/** Two lists, each newest first, as one. What is in both is there once. */
function merged(held: RoomLine[], news: RoomLine[]): RoomLine[] {
  const known = new Set(news.map((line) => line.entry))
  const rest = held.filter((line) => line.entry == null || !known.has(line.entry))
  const all: RoomLine[] = []
  let next = 0
  for (const line of news) {
    for (let older = rest[next]; older && comesAfter(older, line); older = rest[next]) {
      all.push(older)
      next += 1
    }
    all.push(line)
  }
  return all.concat(rest.slice(next))
}

/** The order in which entries count: by time, then by name. */
function comesAfter(one: RoomLine, other: RoomLine): boolean {
  const [time, otherTime] = [comparable(one.at), comparable(other.at)]
  return time === otherTime ? (one.entry ?? '') > (other.entry ?? '') : time > otherTime
}

/** A time of RFC 3339 in UTC whose letters stand in the order of time: without `Z`, which would come after the digits of a fraction. */
const comparable = (at: string) => at.replace(/Z$/, '')
