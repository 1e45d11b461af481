import { useRef, useState, type CSSProperties, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'

import type { SectorState } from '../../api/types.ts'
import { Section } from '../../components/page.tsx'
import { Severity } from '../../components/severity.tsx'
import { useLanguage } from '../../i18n.ts'
import { sectorWord } from '../../components/sector-word.ts'
import classes from './japan.module.css'
import { COLUMNS, neighbour, prefectureName, ROWS, TILES } from './prefectures.ts'
import { TwinSwitch } from './twin-switch.tsx'

interface Seat {
  severity: number | null
  sectors: SectorState[]
}

/** What stands in each prefecture: its sectors, gravest first, and the gravest severity. */
export function seats(sectors: SectorState[]): Map<number, Seat> {
  const found = new Map<number, Seat>()
  for (const sector of sectors) {
    for (const code of sector.prefectures) {
      const seat = found.get(code) ?? { severity: null, sectors: [] }
      seat.sectors.push(sector)
      if (sector.severity !== null) seat.severity = Math.max(seat.severity ?? 0, sector.severity)
      found.set(code, seat)
    }
  }
  for (const seat of found.values()) seat.sectors.sort((a, b) => (b.severity ?? -1) - (a.severity ?? -1))
  return found
}

/** Japan as 47 tiles: where organisations of the council have their seat, and how it stands with their sectors. */
export function Japan({ sectors }: { sectors: SectorState[] }) {
  const { t } = useTranslation()
  const [table, setTable] = useState(false)
  const all = seats(sectors)
  return (
    <Section id="japan" title={t('board.map')} aside={<TwinSwitch table={table} onChange={setTable} />}>
      {table ? <MapTable all={all} /> : <TileMap all={all} />}
    </Section>
  )
}

function TileMap({ all }: { all: Map<number, Seat> }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const gravest = [...all].sort((a, b) => (b[1].severity ?? -1) - (a[1].severity ?? -1))[0]
  const [pointed, setPointed] = useState<number | null>(null)
  const [focused, setFocused] = useState(13)
  const grid = useRef<HTMLDivElement>(null)
  const shown = pointed ?? (gravest && gravest[1].severity !== null ? gravest[0] : null)

  const onKeyDown = (event: KeyboardEvent) => {
    const next = neighbour(focused, event.key)
    if (next === focused) return
    event.preventDefault()
    setFocused(next)
    grid.current?.querySelector<HTMLElement>(`[data-code="${next}"]`)?.focus()
  }
  return (
    <div className={classes.wrap}>
      <div className={classes.map} ref={grid} role="group" aria-label={t('board.mapHelp')} onKeyDown={onKeyDown} onMouseLeave={() => setPointed(null)} style={{ '--columns': COLUMNS, '--rows': ROWS } as CSSProperties}>
        {TILES.map((tile) => {
          const seat = all.get(tile.code)
          const name = prefectureName(tile.code, language)
          return (
            <button
              key={tile.code}
              type="button"
              className={classes.tile}
              data-code={tile.code}
              data-level={seat?.severity ?? undefined}
              data-seat={seat ? true : undefined}
              data-long={language === 'ja' && tile.short.length > 2 ? true : undefined}
              data-shown={shown === tile.code || undefined}
              tabIndex={tile.code === focused ? 0 : -1}
              aria-label={`${language === 'en' ? `${tile.code3} ` : ''}${name}: ${seatWords(seat, t)}`}
              style={{ gridColumn: `${tile.column + 1} / span ${tile.size ?? 1}`, gridRow: `${tile.row + 1} / span ${tile.size ?? 1}` }}
              onMouseEnter={() => setPointed(tile.code)}
              onFocus={() => { setFocused(tile.code); setPointed(tile.code) }}
              onBlur={() => setPointed(null)}
              onClick={() => setPointed(tile.code)}
            >
              {language === 'ja' ? (tile.size === 2 ? tile.ja : tile.short) : tile.code3}
            </button>
          )
        })}
        <Detail code={shown} seat={shown === null ? undefined : all.get(shown)} />
      </div>
      <Legend />
    </div>
  )
}

function Detail({ code, seat }: { code: number | null; seat: Seat | undefined }) {
  const { t } = useTranslation()
  const language = useLanguage()
  if (code === null) return null
  return (
    <div className={classes.detail}>
      <strong>{prefectureName(code, language)}</strong>
      {seat === undefined && <p>{t('board.mapNone')}</p>}
      <ul>
        {seat?.sectors.slice(0, 4).map((sector) => (
          <li key={sector.sector}>
            <span>{sectorWord(sector.sector, t)}</span>
            {sector.severity === null ? <span className="quiet">{t('board.calm')}</span> : <Severity level={sector.severity} />}
          </li>
        ))}
      </ul>
      {seat && seat.sectors.length > 4 && <p>{t('board.more', { count: seat.sectors.length - 4 })}</p>}
    </div>
  )
}

function Legend() {
  const { t } = useTranslation()
  return (
    <ul className={classes.legend}>
      <li><span data-seat />{t('board.mapSeat')}</li>
      {[1, 2, 3, 4, 5].map((level) => <li key={level}><span data-level={level} />{level} {t(`severity.${level}`)}</li>)}
    </ul>
  )
}

function MapTable({ all }: { all: Map<number, Seat> }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const rows = [...all].sort((a, b) => (b[1].severity ?? -1) - (a[1].severity ?? -1) || a[0] - b[0])
  return (
    <table className={classes.table}>
      <thead>
        <tr><th>{t('board.prefecture')}</th><th>{t('board.sectors')}</th><th>{t('severity.word')}</th></tr>
      </thead>
      <tbody>
        {rows.map(([code, seat]) => (
          <tr key={code}>
            <th scope="row">{prefectureName(code, language)}</th>
            <td>{seat.sectors.map((sector) => sectorWord(sector.sector, t)).join(language === 'ja' ? '、' : ', ')}</td>
            <td>{seat.severity === null ? t('board.calm') : <Severity level={seat.severity} />}</td>
          </tr>
        ))}
      </tbody>
      <tfoot><tr><td colSpan={3}>{t('board.mapRest', { count: 47 - rows.length })}</td></tr></tfoot>
    </table>
  )
}

function seatWords(seat: Seat | undefined, t: (key: string) => string): string {
  if (!seat) return t('board.mapNone')
  const sectors = seat.sectors.map((sector) => t(`sectors.${sector.sector}`)).join(', ')
  return seat.severity === null ? `${sectors}. ${t('board.calm')}` : `${sectors}. ${t('severity.word')} ${seat.severity} ${t(`severity.${seat.severity}`)}`
}
