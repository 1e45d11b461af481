/** How far a zone is from UTC at a moment, in minutes. */
function offset(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(at)
  const found = /GMT(?:([+-])(\d{2}):(\d{2}))?/u.exec(parts.find((part) => part.type === 'timeZoneName')?.value ?? '')
  const minutes = Number(found?.[2] ?? 0) * 60 + Number(found?.[3] ?? 0)
  return found?.[1] === '-' ? -minutes : minutes
}

/** A time on the clock of a zone (`2026-11-30T18:05`) as it is written down for good: with its offset and its zone (RFC 9557). */
export function zoned(local: string, zone: string): string | null {
  const clock = Date.parse(`${local}Z`)
  if (!Number.isFinite(clock)) return null
  // The offset of the moment that the clock means: guessed once from the clock itself, and once more across a change of it.
  const guess = offset(clock - offset(clock, zone) * 60_000, zone)
  const sign = guess < 0 ? '-' : '+'
  const [hours, minutes] = [Math.floor(Math.abs(guess) / 60), Math.abs(guess) % 60].map((part) => String(part).padStart(2, '0'))
  const seconds = /T\d{2}:\d{2}$/u.test(local) ? ':00' : ''
  return `${local}${seconds}${sign}${hours}:${minutes}[${zone}]`
}

/** The zone of this browser first, then those that are always at hand. */
export function zones(own: string): string[] {
  return [...new Set([own, 'Asia/Tokyo', 'UTC'])]
}

/** A moment as the clock of a zone shows it, for a field to begin with. */
export function onClock(at: number, zone: string): string {
  return new Date(at + offset(at, zone) * 60_000).toISOString().slice(0, 16)
}
