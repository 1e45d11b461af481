import { describe, expect, it } from 'vitest'

import type { OrderInfo, PlaybookSummary, Run } from '../../api/response.ts'
import { readable, told } from './openc2.ts'
import { byNeed, isLive, kindsOf, matches, orderTone, signatureOf, standingOf, stepStandings } from './standing.ts'
import { read, shown } from './values.ts'

describe('an OpenC2 command', () => {
  it('is told by what it does to what', () => {
    expect(told('{"action":"deny","target":{"domain_name":"evil.example"}}')).toEqual({ action: 'deny', kind: 'domain_name', target: 'evil.example' })
    expect(told({ headers: {}, body: { openc2: { request: { action: 'deny', target: { ipv4_connection: { protocol: 'tcp', dst_addr: '203.0.113.7/32' } } } } } })?.target).toBe('protocol tcp, dst_addr 203.0.113.7/32')
  })
  it('is not told where it is none', () => {
    for (const text of ['', 'POST /x', '[]', '{"action":"deny"}', '{"action":"deny","target":{}}']) expect(told(text)).toBeNull()
  })
  it('is indented, and nothing else is', () => {
    expect(readable('{"a":1}')).toBe('{\n  "a": 1\n}')
    expect(readable('rm -rf "/"')).toBe('rm -rf "/"')
  })
})

describe('a variable', () => {
  it('is read by its type and sent as CACAO writes it', () => {
    expect(read('string', ' evil.example ')).toEqual({ value: 'evil.example' })
    expect(read('bool', 'true')).toEqual({ value: 'true' })
    expect(read('integer', '12')).toEqual({ value: '12' })
    expect(read('list', '["a"]')).toEqual({ value: ['a'] })
    expect(read('dictionary', '{"a":1}')).toEqual({ value: { a: 1 } })
    expect(read('ipv4-addr', '203.0.113.0/24')).toEqual({ value: '203.0.113.0/24' })
  })
  it('is refused with what is wrong', () => {
    expect([read('string', ' '), read('integer', '1.5'), read('float', 'x'), read('list', '{}'), read('dictionary', '[]'), read('ipv4-addr', 'evil'), read('ipv6-addr', '1.2.3.4'), read('uuid', '1')].map((one) => ('fault' in one ? one.fault : null)))
      .toEqual(['empty', 'whole', 'number', 'json', 'json', 'address', 'address', 'uuid'])
  })
  it('is shown', () => expect([shown('a'), shown(null), shown(['a']), shown(true)]).toEqual(['a', '', '["a"]', 'true']))
})

const order = (change: Partial<OrderInfo>): OrderInfo => ({
  command_id: 'c', edge: 'e', organisation: 'o', organisation_name: 'O', sequence: 1, about: { command_id: 'c', requested_by: { organisation: 'o', at: '' }, approved_by: [] },
  command: {}, ordered: '2026-11-30T00:00:00Z', expires: '2026-12-01T00:00:00Z', reports: [], may_undo: true, ...change,
})

describe('an order', () => {
  it('stands as its edge says, and as ordered while that says nothing', () => {
    expect([standingOf(order({})), standingOf(order({ state: 'enforced' }))]).toEqual(['ordered', 'enforced'])
    expect([orderTone('drifted'), orderTone('enforced'), orderTone('waiting'), orderTone('expired')]).toEqual(['bad', 'good', 'warn', 'off'])
    expect([isLive('drifted'), isLive('ordered'), isLive('released'), isLive('refused')]).toEqual([true, true, false, false])
  })
  it('that needs a look comes first, then the newest', () => {
    const orders = [order({ command_id: 'over', state: 'expired' }), order({ command_id: 'old', state: 'enforced' }), order({ command_id: 'new', state: 'enforced', ordered: '2026-11-30T01:00:00Z' }), order({ command_id: 'drifted', state: 'drifted' })]
    expect(byNeed(orders).map(({ command_id }) => command_id)).toEqual(['drifted', 'new', 'old', 'over'])
  })
})

describe('a step of a run', () => {
  it('says first what it waits for people with', () => {
    const run = {
      summary: { playbook: 'p' },
      steps: [{ playbook: 'p', step: 'a', state: 'over' }, { playbook: 'p', step: 'b', state: 'under_way' }, { playbook: 'p', step: 'c', state: 'under_way' }, { playbook: 'other', step: 'd', state: 'over' }, { playbook: 'p', step: 'f', state: 'over' }],
      commands: [{ step: 'f', state: 'failed' }], tasks: [{ step: 'c', state: 'open' }, { step: 'a', state: 'done' }], questions: [{ step: 'b', state: 'open' }],
    } as unknown as Run
    expect(Object.fromEntries(stepStandings(run))).toEqual({ a: 'over', b: 'asks', c: 'task', f: 'failed' })
  })
})

describe('a playbook', () => {
  const one = { id: 'playbook--1', name: { ja: 'ランサムウェア', en: 'Ransomware' }, labels: ['yagura-library', 'ransomware'], types: ['mitigation'], signers: [], library: true } as unknown as PlaybookSummary
  it('is found by words of either language', () => {
    expect([matches(one, 'ランサム'), matches(one, 'ransomware MITIGATION'), matches(one, 'phishing'), matches(one, '')]).toEqual([true, true, false, true])
  })
  it('tells its kind and who answers for it', () => {
    expect(kindsOf(one)).toEqual(['ransomware'])
    expect([signatureOf(one), signatureOf({ ...one, signers: ['identity--1'] }), signatureOf({ ...one, library: false })]).toEqual(['library', 'signed', 'unsigned'])
  })
})
