import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { ApiError } from '../../api/error.ts'
import { usePasskeys } from '../../api/queries.ts'
import { passkeyObstacle, useSession, useSignIn } from '../../api/session.ts'
import type { Session } from '../../api/types.ts'
import { needsProof } from '../../components/prove.tsx'

/** Somebody else's passkey was shown: what was asked for is not sent as that person. */
export class OtherPerson extends Error {}

interface Proving {
  send: () => void
  isPending: boolean
  error: unknown
  reset: () => void
  /** The device could not prove it by itself; the page asks in another way. */
  asks: boolean
}

/** Sends what only a person who just proved itself may send. Where the hub asks for that, the device's passkey is asked at once:
    the click that sent it is the second of two, and a third would only be in the way. */
export function useProving(run: () => Promise<unknown>, onDone: () => void): Proving {
  const { person } = useSession()
  // Who is asked stays who it was when this opened, whoever signs in meanwhile.
  const [self] = useState(person.id)
  const client = useQueryClient()
  const signIn = useSignIn()
  const hasPasskey = (usePasskeys().data?.length ?? 0) > 0 && passkeyObstacle() === null
  const [asks, setAsks] = useState(false)
  const doing = useMutation({
    mutationFn: async () => {
      if (client.getQueryData<Session | null>(['session'])?.person.id !== self) throw new OtherPerson()
      try {
        return await run()
      } catch (refused) {
        if (!needsProof(refused) || !hasPasskey) throw refused
        const session = await signIn.mutateAsync({ by: 'passkey' })
        if (session.person.id !== self) throw new OtherPerson()
        return await run()
      }
    },
    onSuccess: onDone,
    onError: (error) => {
      const wasCancelled = error instanceof DOMException && error.name === 'NotAllowedError'
      setAsks(needsProof(error) || wasCancelled)
      // What was shown may have changed under the reader's eyes: the newest state is loaded, and what was typed stays.
      if (error instanceof ApiError && !needsProof(error)) void client.invalidateQueries({ queryKey: ['runs'] })
    },
  })
  return {
    send: () => {
      setAsks(false)
      doing.mutate()
    },
    isPending: doing.isPending,
    error: doing.error instanceof DOMException ? null : doing.error,
    reset: () => {
      setAsks(false)
      doing.reset()
    },
    asks,
  }
}
