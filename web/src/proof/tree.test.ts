import { describe, expect, it, test } from 'vitest'

import { fromHex, toHex, type Bytes } from './bytes.ts'
import { bytesOf, LogFixture } from './log.fixture.ts'
import { climb, inclusionPath, leafHash, listRoot, LogError, publishedEntry, rootOf, tilePath } from './tree.ts'

// The leaves that implementations of RFC 6962 are tested with, and their roots.
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((hex) => fromHex(hex) ?? new Uint8Array())
test.each([
  [1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  [7, 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  [8, '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
])('the root over %i of the known leaves', async (count, root) => expect(toHex(await rootOf(LEAVES.slice(0, count)))).toBe(root))

test.each<[number | 'entries', number, number, string | null]>([
  [0, 0, 5, 'tile/0/000.p/5'],
  [0, 0, 256, 'tile/0/000'],
  [0, 1, 256, null],
  ['entries', 1, 300, 'tile/entries/001.p/44'],
  [1, 0, 255, null],
  [1, 0, 70_000, 'tile/1/000'],
  [1, 1, 70_000, 'tile/1/001.p/17'],
  [2, 0, 70_000, 'tile/2/000.p/1'],
  [0, 1_234_067, 400_000_000, 'tile/0/x001/x234/067'],
])('the path of tile %s/%i in a tree of %i', (level, index, size, path) => expect(tilePath(level, index, size)).toBe(path))

describe('a proof from tiles', () => {
  const log = new LogFixture(Array.from({ length: 66_700 }, (_, number) => Buffer.from(`entry ${number}`)))
  const read = (path: string) => Promise.resolve(bytesOf(log.file(path)))
  const check = async (index: number, fetch: (path: string) => Promise<Bytes> = read) => {
    const size = log.entries.length
    const entry = await publishedEntry(index, size, fetch)
    const leaf = await leafHash(entry)
    const steps = await climb(leaf, await inclusionPath(index, size, fetch))
    return toHex(steps.at(-1)?.hash ?? leaf)
  }
  const root = log.root().toString('hex')
  it.each([0, 1, 255, 256, 65_535, 65_536, 66_559, 66_560, 66_699])('leads from leaf %i to the root', async (index) => expect(await check(index)).toBe(root))
  it.each(['tile/0/000', 'tile/1/000', 'tile/1/001.p/4', 'tile/0/260.p/140', 'tile/entries/000'])('leads elsewhere where %s was altered', async (altered) => {
    const lying = async (path: string) => {
      const bytes = await read(path)
      if (path === altered) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      return bytes
    }
    // The last leaf of the first tile: its neighbour's hash ends the altered one, and its entry is followed by the altered one's.
    expect(await check(altered === 'tile/entries/000' ? 255 : 254, lying)).not.toBe(root)
  })
  it('fails where a file is cut short', async () => {
    const cut = async (path: string) => (await read(path)).slice(0, 40)
    await expect(check(254, cut)).rejects.toThrow(LogError)
    await expect(inclusionPath(66_700, 66_700, read)).rejects.toThrow(LogError)
  })
  it('has a tree of every small size right', async () => {
    for (let size = 1; size <= 20; size += 1) {
      const small = new LogFixture(log.entries.slice(0, size))
      for (let index = 0; index < size; index += 1) {
        const leaf = await leafHash(bytesOf(log.entries[index] ?? Buffer.of()))
        const steps = await climb(leaf, await inclusionPath(index, size, (path) => Promise.resolve(bytesOf(small.file(path)))))
        expect(toHex(steps.at(-1)?.hash ?? leaf)).toBe(small.root().toString('hex'))
      }
    }
  })
})

test('the root of a list depends on its salt, its patterns and their order', async () => {
  const salt = (byte: number) => new Uint8Array(32).fill(byte)
  const roots = await Promise.all([listRoot(salt(1), ['a', 'b']), listRoot(salt(2), ['a', 'b']), listRoot(salt(1), ['b', 'a']), listRoot(salt(1), ['a']), listRoot(salt(1), ['a', 'b', 'b'])])
  expect(new Set(roots.map(toHex)).size).toBe(5)
})
