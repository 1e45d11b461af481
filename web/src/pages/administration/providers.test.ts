import { describe, expect, it } from 'vitest'

import { readRoles } from './providers.tsx'

describe('which role a value gives', () => {
  it('is one in each line', () => {
    expect(readRoles(' watch = duty_officer \n\ncn=a,dc=b=analyst')).toEqual({ watch: 'duty_officer', 'cn=a,dc=b': 'analyst' })
    expect(readRoles('')).toEqual({})
  })
  it('is nothing where a line is wrong', () => {
    for (const wrong of ['watch', '= analyst', 'watch = king', 'watch analyst']) expect(readRoles(wrong)).toBeNull()
  })
})
