// A log's Merkle tree (RFC 6962 §2.1) read from its published tiles (C2SP tlog-tiles).
import { sha256, utf8, type Bytes } from './bytes.ts'

const WIDTH = 256
const HEIGHT = 8

/** Fetches a file of the log by its path below the log's address. */
export type Fetch = (path: string) => Promise<Bytes>

export const leafHash = (entry: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(0), entry)
export const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(1), left, right)

/** `tile/<L>/<N>[.p/<W>]`, as it is in a tree of `size` leaves; `null` where such a tree has no such tile. `level`: a number, or `entries`. */
export function tilePath(level: number | 'entries', index: number, size: number): string | null {
  const hashes = Math.floor(size / WIDTH ** (level === 'entries' ? 0 : level))
  const width = Math.min(WIDTH, hashes - index * WIDTH)
  if (width <= 0) return null
  let place = String(index % 1000).padStart(3, '0')
  for (let left = Math.floor(index / 1000); left > 0; left = Math.floor(left / 1000)) place = `x${String(left % 1000).padStart(3, '0')}/${place}`
  return `tile/${level}/${place}${width < WIDTH ? `.p/${width}` : ''}`
}

/** One step up the tree: the hash beside ours, on which side it is, and what both give. */
export interface PathStep {
  side: 'left' | 'right'
  beside: Bytes
  hash: Bytes
}

/** The log is not as it must be: a file is cut short, or a leaf is not in it. */
export class LogError extends Error {}

/** The hashes beside the way from leaf `index` to the root of `size` leaves, lowest first (RFC 6962 §2.1.1). */
export async function inclusionPath(index: number, size: number, fetch: Fetch): Promise<{ side: 'left' | 'right'; beside: Bytes }[]> {
  if (index >= size) throw new LogError('the log is not as long as that yet')
  const tiles = tileReader(size, fetch)
  const path: { side: 'left' | 'right'; beside: Bytes }[] = []
  let [low, high] = [0, size]
  while (high - low > 1) {
    const middle = low + split(high - low)
    if (index < middle) {
      path.push({ side: 'right', beside: await rangeHash(middle, high, tiles) })
      high = middle
    } else {
      path.push({ side: 'left', beside: await rangeHash(low, middle, tiles) })
      low = middle
    }
  }
  return path.reverse()
}

/** Walks the path up from a leaf's hash; the last step's hash is the root. */
export async function climb(leaf: Bytes, path: { side: 'left' | 'right'; beside: Bytes }[]): Promise<PathStep[]> {
  const steps: PathStep[] = []
  let hash = leaf
  for (const { side, beside } of path) {
    hash = await (side === 'left' ? nodeHash(beside, hash) : nodeHash(hash, beside))
    steps.push({ side, beside, hash })
  }
  return steps
}

/** The root over a list of entries. */
export async function rootOf(entries: Uint8Array[]): Promise<Bytes> {
  if (entries.length === 0) return sha256(new Uint8Array())
  if (entries.length === 1) return leafHash(entries[0] ?? new Uint8Array())
  const middle = split(entries.length)
  return nodeHash(await rootOf(entries.slice(0, middle)), await rootOf(entries.slice(middle)))
}

/** The largest power of two below a number. */
const split = (size: number) => 2 ** (Math.ceil(Math.log2(size)) - 1)

/** The hash over the leaves `low .. high`, from the nodes that the tiles hold. */
async function rangeHash(low: number, high: number, tiles: (level: number, index: number) => Promise<Bytes>): Promise<Bytes> {
  const count = high - low
  const height = Math.log2(count)
  if (Number.isInteger(height) && low % count === 0) return tiles(height, low / count)
  const middle = low + split(count)
  return nodeHash(await rangeHash(low, middle, tiles), await rangeHash(middle, high, tiles))
}

/** Reads nodes of the tree from tiles, each fetched once. */
function tileReader(size: number, fetch: Fetch): (level: number, index: number) => Promise<Bytes> {
  const held = new Map<string, Promise<Bytes>>()
  const tile = (path: string) => {
    const known = held.get(path) ?? fetch(path)
    held.set(path, known)
    return known
  }
  return async (level, index) => {
    const within = level % HEIGHT
    const first = index * 2 ** within
    const path = tilePath(Math.floor(level / HEIGHT), Math.floor(first / WIDTH), size)
    if (path === null) throw new LogError('the tree has no such node')
    const bytes = await tile(path)
    const start = first % WIDTH
    return foldHashes(bytes, start, start + 2 ** within)
  }
}

async function foldHashes(tile: Bytes, from: number, to: number): Promise<Bytes> {
  if (tile.length < to * 32) throw new LogError('a tile of the log is cut short')
  if (to - from === 1) return tile.slice(from * 32, to * 32)
  const middle = from + (to - from) / 2
  return nodeHash(await foldHashes(tile, from, middle), await foldHashes(tile, middle, to))
}

/** The entry at a place in a bundle of entries: each has its length before it, in two bytes. */
export function entryAt(bundle: Bytes, place: number): Bytes {
  let at = 0
  for (let number = 0; at + 2 <= bundle.length; number += 1) {
    const length = ((bundle[at] ?? 0) << 8) | (bundle[at + 1] ?? 0)
    const end = at + 2 + length
    if (end > bundle.length) break
    if (number === place) return bundle.slice(at + 2, end)
    at = end
  }
  throw new LogError('the published entries do not hold this one')
}

/** The entry of a leaf as the log publishes it. */
export async function publishedEntry(index: number, size: number, fetch: Fetch): Promise<Bytes> {
  const path = tilePath('entries', Math.floor(index / WIDTH), size)
  if (path === null || index >= size) throw new LogError('the log is not as long as that yet')
  return entryAt(await fetch(path), index % WIDTH)
}

const MEMBER = 'yagura authorised indicator v1\0'

/** The root of a list of indicators, as the terms of an authorisation name it: over a salted commitment to each, by its number. */
export async function listRoot(salt: Bytes, patterns: readonly string[]): Promise<Bytes> {
  const commitments = await Promise.all(patterns.map((pattern, number) => {
    const place = new DataView(new ArrayBuffer(8))
    place.setBigUint64(0, BigInt(number))
    return sha256(utf8(MEMBER), salt, new Uint8Array(place.buffer), utf8(pattern))
  }))
  return rootOf(commitments)
}

