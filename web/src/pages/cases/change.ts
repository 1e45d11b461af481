import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'

import { call } from '../../api/client.ts'
import { ApiError } from '../../api/error.ts'
import type { Case, CaseChange, CaseSummary } from '../../api/types.ts'
import { useToasts } from '../../components/toast.tsx'

export type Wanted = Omit<CaseChange, 'revision'>

/** How a summary looks once a change is through; shown at once, before the hub has answered. */
export function foreseen(summary: CaseSummary, wanted: Wanted, nameOfAssignee: string | null): CaseSummary {
  return {
    ...summary,
    ...(wanted.title === undefined ? {} : { title: wanted.title }),
    ...(wanted.severity === undefined ? {} : { severity: wanted.severity }),
    ...(wanted.state === undefined ? {} : { state: wanted.state }),
    ...(wanted.assignee === undefined ? {} : { assignee: wanted.assignee === '' ? null : wanted.assignee, assignee_name: wanted.assignee === '' ? null : nameOfAssignee }),
  }
}

/** The change that takes a change back. */
export function inverse(before: CaseSummary, wanted: Wanted): Wanted {
  return {
    ...(wanted.title === undefined ? {} : { title: before.title }),
    ...(wanted.severity === undefined ? {} : { severity: before.severity }),
    ...(wanted.assignee === undefined ? {} : { assignee: before.assignee ?? '' }),
    ...(wanted.state === undefined ? {} : { state: before.state === 'open' ? 'open' : 'closed' }),
  }
}

/** Whether somebody else meanwhile changed just what is to be changed here. Sightings that came in do not count. */
export function collides(seen: CaseSummary, current: CaseSummary, wanted: Wanted): boolean {
  return (['title', 'severity', 'assignee', 'state'] as const).some((field) => wanted[field] !== undefined && seen[field] !== current[field])
}

const TRIES_MAX = 4

/** Sends a change. A live case moves on with every sighting, so a change is laid over the newest state unless the two collide. */
async function send(id: string, wanted: Wanted, seen: CaseSummary): Promise<Case> {
  const path = `/api/v1/cases/${encodeURIComponent(id)}`
  let revision = seen.revision
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call<Case>('PATCH', path, { revision, ...wanted })
    } catch (thrown) {
      if (!(thrown instanceof ApiError && thrown.code === 'conflict') || attempt === TRIES_MAX) throw thrown
      const current = (await call<Case>('GET', path)).summary
      if (collides(seen, current, wanted)) throw thrown
      revision = current.revision
    }
  }
}

interface Change {
  wanted: Wanted
  said: string
  assigneeName?: string | null
  undoing?: boolean
}

/** Changes a case: at once on the screen, with a way back, and honest when somebody else was faster. */
export function useCaseChange(id: string) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { say, fail } = useToasts()
  const key = ['case', id]
  /** What the person saw when choosing: the optimistic state already contains the choice. */
  const seenBefore = useRef<CaseSummary>(undefined)
  const mutation = useMutation({
    mutationFn: ({ wanted }: Change) => {
      const seen = seenBefore.current
      if (!seen) throw new ApiError('conflict', 409)
      return send(id, wanted, seen)
    },
    onMutate: async ({ wanted, assigneeName }: Change) => {
      await client.cancelQueries({ queryKey: key })
      const before = client.getQueryData<Case>(key)
      seenBefore.current = before?.summary
      if (before) client.setQueryData<Case>(key, { ...before, summary: foreseen(before.summary, wanted, assigneeName ?? null) })
      return { before }
    },
    onSuccess: (changed, { wanted, said, undoing }, { before }) => {
      client.setQueryData(key, changed)
      void client.invalidateQueries({ queryKey: ['cases'] })
      const undo = before && !undoing
        ? () => mutation.mutate({ wanted: inverse(before.summary, wanted), said: t('cases.undone'), assigneeName: before.summary.assignee_name, undoing: true })
        : undefined
      say(said, undo)
    },
    onError: (error, _, context) => {
      if (context?.before) client.setQueryData(key, context.before)
      if (error instanceof ApiError && error.code === 'conflict') void client.invalidateQueries({ queryKey: key })
      fail(error)
    },
  })
  return mutation
}
