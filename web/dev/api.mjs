// Makes src/api/schema.ts from the hub's description: its types only, since requests are written by hand in src/api.
// openapi-typescript still needs TypeScript 5's own interface, so both are fetched apart from what the console is built with.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = new URL('..', import.meta.url).pathname
const { openapi, info, components } = JSON.parse(readFileSync(join(here, '../openapi/hub.json'), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'yagura-api-'))
const reduced = join(folder, 'hub.json')
writeFileSync(reduced, JSON.stringify({ openapi, info, paths: {}, components: { schemas: components.schemas } }))
execFileSync('npx', ['--yes', '--package=typescript@5.9.3', '--package=openapi-typescript@7.13.0', 'openapi-typescript', reduced, '-o', join(here, 'src/api/schema.ts')], { stdio: 'inherit' })
rmSync(folder, { recursive: true })
