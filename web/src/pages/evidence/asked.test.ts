import { describe, expect, it } from 'vitest'

import type { EvidenceRequest, Words } from '../../api/evidence.ts'
import { askedChoice, askersAbroad, nameAbroad } from './asked.ts'

const words = (both: Words) => both.en
const both = (en: string): Words => ({ ja: `${en}（和）`, en })

describe('who can be asked', () => {
  const council = [{ value: 'kinki', label: 'Kinki' }]
  const west = { hub: 'west', name: both('West'), organisations: [{ id: '0123456789abcdef-kanto', name: both('Kanto') }] }

  it('is grouped by hub, this council first, where there are other hubs', () => {
    expect(askedChoice(council, [west], 'This council', words)).toEqual([
      { group: 'This council', items: council },
      { group: 'West', items: [{ value: '0123456789abcdef-kanto', label: 'Kanto' }] },
    ])
    expect(askedChoice([], [west], 'This council', words)).toHaveLength(1)
  })

  it('is a plain choice where there are none', () => {
    expect(askedChoice(council, [], 'This council', words)).toEqual(council)
  })
})

describe('what the two of a request are called', () => {
  const request = { from: { organisation: '0123456789abcdef-police' }, from_name: both('Police (East)'), to: 'kinki', to_name: null } as EvidenceRequest

  it('is told with the hub for those of another hub only', () => {
    expect(askersAbroad([request, request, { ...request, from: { organisation: 'kinki' }, from_name: null }], words)).toEqual([{ value: '0123456789abcdef-police', label: 'Police (East)' }])
    expect(nameAbroad(request, '0123456789abcdef-police')).toEqual(both('Police (East)'))
    expect(nameAbroad(request, 'kinki')).toBeNull()
    expect(nameAbroad(request, 'kanto')).toBeNull()
  })
})
