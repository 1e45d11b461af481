import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { layout, neighbour, type Way } from './layout.ts'

const way = (from: string, to: string, when = 'on_completion'): Way => ({ from, to, when })
const of = (ways: Way[], starts = ['start']) => layout([...new Set(ways.flatMap(({ from, to }) => [from, to]))], ways, starts)

interface Step { on_completion?: string; on_success?: string; on_failure?: string; on_true?: string; on_false?: string; next_steps?: string[]; cases?: Record<string, string> }

/** What the hub would say of a playbook's ways. */
function waysOf(workflow: Record<string, Step>): Way[] {
  return Object.entries(workflow).flatMap(([from, step]) => [
    ...(step.next_steps ?? []).map((to, number) => way(from, to, `branch ${number}`)),
    ...Object.entries(step.cases ?? {}).map(([name, to]) => way(from, to, `case ${name}`)),
    ...(['on_true', 'on_false', 'on_completion', 'on_success', 'on_failure'] as const).flatMap((when) => (step[when] === undefined ? [] : [way(from, step[when], when)])),
  ])
}

describe('the picture of a playbook', () => {
  it('puts a chain into one column', () => {
    const { steps, columns, rows } = of([way('start', 'a'), way('a', 'end')])
    expect(steps).toEqual([{ id: 'start', x: 0.5, row: 0 }, { id: 'a', x: 0.5, row: 1 }, { id: 'end', x: 0.5, row: 2 }])
    expect([columns, rows]).toEqual([1, 3])
  })

  it('puts branches side by side and what comes after them below all of them', () => {
    const { steps, ways, order } = of([
      way('start', 'fork'), way('fork', 'a', 'on_true'), way('fork', 'b', 'on_false'), way('fork', 'after'),
      way('a', 'a2'), way('a2', 'ea'), way('b', 'eb'), way('after', 'end'),
    ])
    const at = Object.fromEntries(steps.map(({ id, x, row }) => [id, [x, row]]))
    expect(at['fork']).toEqual([0.5, 1])
    expect([at['a'], at['b']]).toEqual([[0.5, 2], [1.5, 2]])
    expect(at['after']).toEqual([0.5, 5])
    expect(order).toEqual(['start', 'fork', 'a', 'a2', 'ea', 'b', 'eb', 'after', 'end'])
    expect(ways.filter(({ joins }) => joins).map(({ from, to }) => [from, to])).toEqual([['ea', 'after'], ['eb', 'after']])
  })

  it('puts a step that two ways lead to below both', () => {
    const { steps } = of([way('start', 'try'), way('try', 'check', 'on_success'), way('try', 'hand', 'on_failure'), way('hand', 'check'), way('check', 'end')])
    const row = (id: string) => steps.find((step) => step.id === id)?.row
    expect([row('hand'), row('check')]).toEqual([2, 3])
  })

  it('is walked with arrow keys', () => {
    const drawn = of([way('start', 'fork'), way('fork', 'a', 'branch'), way('fork', 'b', 'branch'), way('fork', 'after'), way('a', 'ea'), way('b', 'eb')])
    const walk = (from: string, ...keys: string[]) => keys.reduce((at: string | undefined, key) => (at === undefined ? undefined : neighbour(`Arrow${key}`, at, drawn)), from)
    expect(walk('start', 'Down', 'Down', 'Right')).toBe('b')
    expect(walk('b', 'Left', 'Down', 'Down')).toBe('after')
    expect(walk('after', 'Up', 'Up', 'Up')).toBe('fork')
    expect([walk('start', 'Up'), walk('a', 'Left'), neighbour('Enter', 'a', drawn), neighbour('ArrowUp', 'nowhere', drawn)]).toEqual([undefined, undefined, undefined, undefined])
  })

  it('stands a playbook that goes in circles, names what is not there or is very deep', () => {
    const round = of([way('start', 'a'), way('a', 'b'), way('b', 'a'), way('b', 'end', 'on_failure')])
    expect(round.ways.filter(({ returns }) => returns).map(({ from, to }) => [from, to])).toEqual([['b', 'a']])
    expect(layout(['start'], [way('start', 'nowhere')], ['gone']).steps).toHaveLength(1)
    const chain = Array.from({ length: 5000 }, (_, number) => way(`s${number}`, `s${number + 1}`))
    expect(of(chain, ['s0']).steps).toHaveLength(5001)
  })

  it('lets no two steps of our own playbooks stand on one another', () => {
    const folder = join(process.cwd(), '../playbooks')
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
    expect(files).toHaveLength(12)
    for (const file of files) {
      const playbook = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { workflow: Record<string, Step>; workflow_start: string; workflow_exception?: string }
      const ids = Object.keys(playbook.workflow)
      const drawn = layout(ids, waysOf(playbook.workflow), [playbook.workflow_start, ...(playbook.workflow_exception === undefined ? [] : [playbook.workflow_exception])])
      expect(drawn.steps.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
      for (const one of drawn.steps) for (const other of drawn.steps) if (one !== other && one.row === other.row) expect(Math.abs(one.x - other.x), file).toBeGreaterThanOrEqual(1)
      const row = new Map(drawn.steps.map(({ id, row: own }) => [id, own]))
      for (const { from, to, returns } of drawn.ways) if (!returns) expect(row.get(to), `${file} ${from}`).toBeGreaterThan(row.get(from) ?? 0)
    }
  })
})
