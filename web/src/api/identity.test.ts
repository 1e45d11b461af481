import { describe, expect, it } from 'vitest'

import { providerAnswer, sessionsPath } from './identity.ts'

describe('what a provider sends back', () => {
  it('is handed on as it came', () => {
    expect(providerAnswer('police', '?code=a%2Bb&state=s&iss=https%3A%2F%2Fid.example')).toEqual({ provider: 'police', state: 's', code: 'a+b', iss: 'https://id.example' })
    expect(providerAnswer('police', '?code=c&state=s')).toEqual({ provider: 'police', state: 's', code: 'c' })
  })
  it('is nothing where it said no or said half', () => {
    for (const search of ['', '?code=c', '?state=s', '?error=access_denied&state=s', '?error=x&code=c&state=s']) expect(providerAnswer('police', search)).toBeNull()
  })
})

describe('sessions', () => {
  it('are asked for by account', () => {
    expect([sessionsPath(), sessionsPath('a/b')]).toEqual(['/api/v1/me/sessions', '/api/v1/people/a%2Fb/sessions'])
  })
})
