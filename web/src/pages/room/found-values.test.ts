import { expect, test } from 'vitest'

import type { RoomValue } from '../../api/room.ts'
import { wishesOf } from './found-values.tsx'

const value = (known: RoomValue['known']): RoomValue => ({ kind: 'domain-name', value: 'evil.example', known, linked: false })

test('what is known is linked before anything is made anew', () => {
  expect(wishesOf(value([]))).toEqual([null, 'indicator', 'observable'])
  expect(wishesOf(value([{ id: 'indicator--1', name: 'evil.example' }]))).toEqual([null, 'known', 'indicator', 'observable'])
})
