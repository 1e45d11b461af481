import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { expect, test } from 'vitest'

import { hold } from './session.ts'
import type { Session } from './types.ts'

test('an answer from before the sign-in does not sign out again', async () => {
  const client = new QueryClient()
  let answer: (nobody: null) => void = () => {}
  const observer = new QueryObserver<Session | null>(client, { queryKey: ['session'], queryFn: ({ signal }) => new Promise<null>((resolve) => { signal.throwIfAborted(); answer = resolve }), retry: false })
  const stop = observer.subscribe(() => {})
  const session = { csrf: 'word' } as Session
  await hold(client, session)
  answer(null)
  await new Promise((resolve) => { setTimeout(resolve, 0) })
  expect(client.getQueryData(['session'])).toBe(session)
  stop()
})
