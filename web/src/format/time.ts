export type Language = 'ja' | 'en'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const UNITS: [number, string, string][] = [
  [365 * DAY, '年', 'y'],
  [30 * DAY, 'か月', 'mo'],
  [DAY, '日', 'd'],
  [HOUR, '時間', 'h'],
  [MINUTE, '分', 'min'],
  [1, '秒', 's'],
]

/** How long ago (or ahead) a moment is, in words: 3分前, 3 min ago. Under ten seconds it is now. */
export function relative(at: string, now: number, language: Language): string {
  const seconds = Math.round((now - Date.parse(at)) / 1000)
  if (!Number.isFinite(seconds)) return at
  const size = Math.abs(seconds)
  if (size < 10) return language === 'ja' ? 'たった今' : 'just now'
  const amount = span(size, language)
  if (seconds > 0) return language === 'ja' ? `${amount}前` : `${amount} ago`
  return language === 'ja' ? `あと${amount}` : `in ${amount}`
}

/** A length of time, in its largest unit. */
export function span(seconds: number, language: Language): string {
  for (const [size, ja, en] of UNITS) {
    if (seconds >= size) {
      const count = Math.floor(seconds / size)
      return language === 'ja' ? `${count}${ja}` : `${count} ${en}`
    }
  }
  return language === 'ja' ? '0秒' : '0 s'
}

/** A running clock for a duty officer: 4:05, 1:04:05, 3日 1:04 / 3 d 1:04. */
export function clock(from: string, now: number, language: Language): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(from)) / 1000))
  const days = Math.floor(seconds / DAY)
  const hours = Math.floor((seconds % DAY) / HOUR)
  const minutes = Math.floor((seconds % HOUR) / MINUTE)
  if (days > 0) return `${days}${language === 'ja' ? '日' : ' d'} ${hours}:${two(minutes)}`
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds % MINUTE)}`
  return `${minutes}:${two(seconds % MINUTE)}`
}

export type Zone = 'JST' | 'UTC'

/** A moment in full, in a named zone: 2026-11-23 11:02:33 JST. */
export function absolute(at: string | number, zone: Zone): string {
  return `${date(at, zone)} ${time(at, zone)} ${zone}`
}

/** The day: 2026-11-23. */
export function date(at: string | number, zone: Zone): string {
  const shifted = inZone(at, zone)
  if (shifted === null) return String(at)
  return `${shifted.getUTCFullYear()}-${two(shifted.getUTCMonth() + 1)}-${two(shifted.getUTCDate())}`
}

/** The time of day: 11:02:33. */
export function time(at: string | number, zone: Zone, withSeconds = true): string {
  const shifted = inZone(at, zone)
  if (shifted === null) return ''
  const minutes = `${two(shifted.getUTCHours())}:${two(shifted.getUTCMinutes())}`
  return withSeconds ? `${minutes}:${two(shifted.getUTCSeconds())}` : minutes
}

/** Japan keeps one offset all year and has since 1951, so adding nine hours is exact. */
function inZone(at: string | number, zone: Zone): Date | null {
  const moment = typeof at === 'number' ? at : Date.parse(at)
  return Number.isFinite(moment) ? new Date(moment + (zone === 'JST' ? 9 * HOUR * 1000 : 0)) : null
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
