import { describe, expect, it } from 'vitest'

import type { ReportFiling, ReportReceiverList, ReportSummary, Words } from '../../api/reports.ts'
import { filedBy, givenTo, receiverGroups, whose } from './receivers.ts'

const words = (both: Words) => both.en
const name = (id: string) => `<${id}>`
const both = (en: string): Words => ({ ja: `${en}（和）`, en })

describe('who can be given a copy', () => {
  const list: ReportReceiverList = {
    as_of: '2026-11-30T00:00:00Z',
    hubs: [
      { hub: null, name: both('Centre'), organisations: [{ id: 'police', name: both('Police') }] },
      { hub: 'west', name: both('West'), organisations: [{ id: '0123456789abcdef-ministry', name: both('Ministry') }] },
      { hub: 'north', name: both('North'), organisations: [] },
    ],
  }

  it('is grouped by hub, this council first, and hubs without anybody are left out', () => {
    expect(receiverGroups(list, 'This council', words)).toEqual([
      { group: 'This council', items: [{ value: 'police', label: 'Police' }] },
      { group: 'West', items: [{ value: '0123456789abcdef-ministry', label: 'Ministry' }] },
    ])
    expect(receiverGroups(undefined, 'This council', words)).toEqual([])
  })
})

describe('whose report it is, and whom it was given to', () => {
  const summary = { id: 'incident--1', organisation: 'kinki', title: null, kinds: [], opened: '', changed: '', own: false, next_due: null } satisfies ReportSummary
  const filing = { given_to: 'police' } as ReportFiling

  it('names organisations of this council as everywhere', () => {
    expect(whose(summary, name, words)).toBe('<kinki>')
    expect(givenTo(filing, name, words)).toBe('<police>')
    expect(givenTo({ ...filing, given_to: null }, name, words)).toBeNull()
  })

  it('names those of another hub with their hub', () => {
    expect(whose({ ...summary, organisation_name: both('Kinki'), hub: both('East') }, name, words)).toBe('Kinki (East)')
    expect(whose({ ...summary, organisation_name: both('Kinki'), hub: null }, name, words)).toBe('Kinki')
    expect(givenTo({ ...filing, given_to: '0123456789abcdef-ministry', given_to_name: both('Ministry (West)') }, name, words)).toBe('Ministry (West)')
  })

  it('names who filed of this hub, and leaves it to the heading where the copy is of another', () => {
    expect(filedBy(summary, { ...filing, by_name: '佐藤 恵' })).toBe('佐藤 恵')
    expect(filedBy(summary, filing)).toBeNull()
    expect(filedBy({ ...summary, hub: both('East') }, { ...filing, by_name: '東関東水道' })).toBeNull()
  })
})
