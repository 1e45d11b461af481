import type { TFunction } from 'i18next'

/** A sector's name in words; one that this console does not know keeps its own. */
export function sectorWord(sector: string, t: TFunction): string {
  return t(`sectors.${sector}`, { defaultValue: sector })
}

export function sectorWords(sectors: string[], t: TFunction, language: 'ja' | 'en'): string {
  return sectors.map((sector) => sectorWord(sector, t)).join(language === 'ja' ? '・' : ', ')
}
