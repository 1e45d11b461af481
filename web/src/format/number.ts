import type { Language } from './time.ts'

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A count in full, in groups of three: 12,345. */
export function exact(value: number): string {
  return GROUPED.format(value)
}

/** A count for a glance: 1.2万 and 3.4億 in Japanese, 1.2 M and 3.4 bn in English. Below ten thousand it is exact. */
export function short(value: number, language: Language): string {
  const steps: [number, string][] = language === 'ja' ? [[1e12, '兆'], [1e8, '億'], [1e4, '万']] : [[1e9, ' bn'], [1e6, ' M']]
  for (const [size, unit] of steps) {
    if (Math.abs(value) >= size) return `${scaled(value / size)}${unit}`
  }
  return exact(value)
}

/** A size: 820 B, 1.5 KiB, 34 MiB. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let left = value
  let step = 0
  while (left >= 1024 && step < units.length - 1) {
    left /= 1024
    step += 1
  }
  return `${step === 0 ? left : scaled(left)} ${units[step]}`
}

/** One decimal below a hundred, none above; cut, not rounded, so that a figure never promises more than there is. */
function scaled(value: number): string {
  if (Math.abs(value) >= 100) return exact(Math.trunc(value))
  const cut = Math.trunc(value * 10) / 10
  return Number.isInteger(cut) ? String(cut) : cut.toFixed(1)
}
