import { describe, expect, it } from 'vitest'

import type { HeldQualification } from '../../api/types.ts'
import { inOrder, latestEnd, mayConfirm } from './qualification.ts'

function held(id: string, state: string, part: Partial<HeldQualification> = {}): HeldQualification {
  return {
    id, state, person: 'p1', person_name: '', organisation: 'police', qualification: 'oath:council-secrecy', since: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z',
    evidence: '', asked_by: 'a1', asked_by_name: '', asked: '2026-01-01T00:00:00Z', expires: '2026-01-15T00:00:00Z', ...part,
  }
}

describe('clearances and oaths', () => {
  it('that wait come first, the oldest at the top, then what ends first', () => {
    const known = [
      held('late', 'valid', { until: '2030-01-01T00:00:00Z' }), held('soon', 'valid', { until: '2026-02-01T00:00:00Z' }),
      held('new', 'asked', { asked: '2026-01-09T00:00:00Z' }), held('old', 'asked', { asked: '2026-01-02T00:00:00Z' }),
    ]
    expect(inOrder(known).map((one) => one.id)).toEqual(['old', 'new', 'soon', 'late'])
  })
  it('are confirmed by somebody else than who entered them, and not by the person', () => {
    expect(mayConfirm(held('q', 'asked'), 'a2')).toBe(true)
    expect(mayConfirm(held('q', 'asked'), 'a1')).toBe(false)
    expect(mayConfirm(held('q', 'asked'), 'p1')).toBe(false)
    expect(mayConfirm(held('q', 'valid'), 'a2')).toBe(false)
  })
  it('end so many years later at the latest', () => {
    expect(latestEnd('2026-05-01', 5)).toBe('2031-05-01')
    expect(latestEnd('2028-02-29', 5)).toBe('2033-02-28')
    expect(latestEnd('2028-02-29', 4)).toBe('2032-02-29')
    expect(latestEnd('', 5)).toBeUndefined()
  })
})
