import { describe, expect, it } from 'vitest'

import type { EmergencyInfo } from '../api/types.ts'
import { asked, mayReview, onNow, readScope } from './emergency.ts'

function emergency(id: string, state: string, own: boolean, until = '2026-01-01T00:00:00Z'): EmergencyInfo {
  return { id, state, own, until, person: 'p1', person_name: '', organisation: 'police', scope: 'class incident', reason: '', raised: until, review_due: until, objects_read: 0 }
}

describe('an emergency', () => {
  it('says what it is for', () => {
    expect(readScope('level kinki-power amber+strict')).toEqual({ kind: 'level', originator: 'kinki-power', tlp: 'amber+strict' })
    expect(readScope('class incident')).toEqual({ kind: 'class', name: 'incident' })
    expect(readScope('object incident--1')).toEqual({ kind: 'object', id: 'incident--1' })
    for (const strange of ['', 'class', 'level a', 'class a b', 'level a red more', 'role approver']) expect(readScope(strange)).toBeNull()
  })
  it('is seen on every page while it is on, one’s own first', () => {
    const known = [emergency('over', 'waits', true), emergency('theirs', 'on', false), emergency('mine', 'on', true, '2027-01-01T00:00:00Z')]
    expect(onNow(known).map((one) => one.id)).toEqual(['mine', 'theirs'])
  })
  it('is reviewed by another person, once it is over', () => {
    expect(mayReview(emergency('e', 'waits', false), ['review-emergencies'])).toBe(true)
    expect(mayReview(emergency('e', 'overdue', false), ['review-emergencies'])).toBe(true)
    expect(mayReview(emergency('e', 'waits', true), ['review-emergencies'])).toBe(false)
    expect(mayReview(emergency('e', 'on', false), ['review-emergencies'])).toBe(false)
    expect(mayReview(emergency('e', 'justified', false), ['review-emergencies'])).toBe(false)
    expect(mayReview(emergency('e', 'waits', false), ['raise-emergency'])).toBe(false)
  })
  it('is asked for in one of three ways', () => {
    const wanted = { originator: 'rail', tlp: 'red', class: 'report', object: ' incident--1 ', reason: ' r ', minutes: 60 }
    expect(asked({ ...wanted, kind: 'level' })).toEqual({ originator: 'rail', tlp: 'red', reason: 'r', minutes: 60 })
    expect(asked({ ...wanted, kind: 'class' })).toEqual({ class: 'report', reason: 'r', minutes: 60 })
    expect(asked({ ...wanted, kind: 'object' })).toEqual({ object: 'incident--1', reason: 'r', minutes: 60 })
  })
})
