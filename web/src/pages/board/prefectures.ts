/** A prefecture on the tile map: its code (JIS X 0401), its place in columns and rows, and short names that fit a tile. */
export interface Tile {
  code: number
  column: number
  row: number
  ja: string
  short: string
  en: string
  code3: string
  size?: number
}

// Our own arrangement: neighbours stay neighbours as far as squares allow.
const LINES: [number, number, number, string, string, string, string][] = [
  [1, 12, 0, '北海道', '北海', 'Hokkaido', 'HKD'],
  [2, 12, 2, '青森県', '青森', 'Aomori', 'AOM'],
  [5, 11, 3, '秋田県', '秋田', 'Akita', 'AKT'],
  [3, 12, 3, '岩手県', '岩手', 'Iwate', 'IWT'],
  [6, 11, 4, '山形県', '山形', 'Yamagata', 'YMT'],
  [4, 12, 4, '宮城県', '宮城', 'Miyagi', 'MYG'],
  [17, 8, 5, '石川県', '石川', 'Ishikawa', 'ISK'],
  [16, 9, 5, '富山県', '富山', 'Toyama', 'TYM'],
  [15, 10, 5, '新潟県', '新潟', 'Niigata', 'NGT'],
  [7, 11, 5, '福島県', '福島', 'Fukushima', 'FKS'],
  [18, 8, 6, '福井県', '福井', 'Fukui', 'FKI'],
  [21, 9, 6, '岐阜県', '岐阜', 'Gifu', 'GIF'],
  [20, 10, 6, '長野県', '長野', 'Nagano', 'NGN'],
  [10, 11, 6, '群馬県', '群馬', 'Gunma', 'GNM'],
  [9, 12, 6, '栃木県', '栃木', 'Tochigi', 'TCG'],
  [8, 13, 6, '茨城県', '茨城', 'Ibaraki', 'IBR'],
  [32, 4, 7, '島根県', '島根', 'Shimane', 'SMN'],
  [31, 5, 7, '鳥取県', '鳥取', 'Tottori', 'TTR'],
  [28, 6, 7, '兵庫県', '兵庫', 'Hyogo', 'HYG'],
  [26, 7, 7, '京都府', '京都', 'Kyoto', 'KYT'],
  [25, 8, 7, '滋賀県', '滋賀', 'Shiga', 'SIG'],
  [23, 9, 7, '愛知県', '愛知', 'Aichi', 'AIC'],
  [19, 10, 7, '山梨県', '山梨', 'Yamanashi', 'YMN'],
  [11, 11, 7, '埼玉県', '埼玉', 'Saitama', 'SIT'],
  [13, 12, 7, '東京都', '東京', 'Tokyo', 'TKY'],
  [12, 13, 7, '千葉県', '千葉', 'Chiba', 'CHB'],
  [35, 3, 8, '山口県', '山口', 'Yamaguchi', 'YGC'],
  [34, 4, 8, '広島県', '広島', 'Hiroshima', 'HRS'],
  [33, 5, 8, '岡山県', '岡山', 'Okayama', 'OKY'],
  [27, 7, 8, '大阪府', '大阪', 'Osaka', 'OSK'],
  [29, 8, 8, '奈良県', '奈良', 'Nara', 'NAR'],
  [24, 9, 8, '三重県', '三重', 'Mie', 'MIE'],
  [22, 10, 8, '静岡県', '静岡', 'Shizuoka', 'SZO'],
  [14, 11, 8, '神奈川県', '神奈川', 'Kanagawa', 'KNG'],
  [41, 0, 9, '佐賀県', '佐賀', 'Saga', 'SAG'],
  [40, 1, 9, '福岡県', '福岡', 'Fukuoka', 'FKO'],
  [44, 2, 9, '大分県', '大分', 'Oita', 'OIT'],
  [38, 4, 10, '愛媛県', '愛媛', 'Ehime', 'EHM'],
  [37, 5, 10, '香川県', '香川', 'Kagawa', 'KGW'],
  [30, 8, 9, '和歌山県', '和歌山', 'Wakayama', 'WKY'],
  [42, 0, 10, '長崎県', '長崎', 'Nagasaki', 'NGS'],
  [43, 1, 10, '熊本県', '熊本', 'Kumamoto', 'KUM'],
  [45, 2, 10, '宮崎県', '宮崎', 'Miyazaki', 'MYZ'],
  [39, 4, 11, '高知県', '高知', 'Kochi', 'KOC'],
  [36, 5, 11, '徳島県', '徳島', 'Tokushima', 'TKS'],
  [46, 1, 11, '鹿児島県', '鹿児島', 'Kagoshima', 'KGS'],
  [47, 0, 12, '沖縄県', '沖縄', 'Okinawa', 'OKN'],
]

export const COLUMNS = 14
export const ROWS = 13

export const TILES: Tile[] = LINES.map(([code, column, row, ja, short, en, code3]) => (
  { code, column, row, ja, short, en, code3, ...(code === 1 ? { size: 2 } : {}) }))

const BY_CODE = new Map(TILES.map((tile) => [tile.code, tile]))

export function prefectureName(code: number, language: 'ja' | 'en'): string {
  return BY_CODE.get(code)?.[language] ?? String(code)
}

/** The tile that an arrow key leads to: the nearest one in that direction, sideways steps counting double. */
export function neighbour(from: number, key: string): number {
  const start = BY_CODE.get(from)
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key]
  if (!start || !step) return from
  const [dx = 0, dy = 0] = step
  let best = from
  let least = Infinity
  for (const tile of TILES) {
    const along = (tile.column - start.column) * dx + (tile.row - start.row) * dy
    const aside = Math.abs((tile.column - start.column) * dy) + Math.abs((tile.row - start.row) * dx)
    if (along > 0 && along + 2 * aside < least) {
      least = along + 2 * aside
      best = tile.code
    }
  }
  return best
}
