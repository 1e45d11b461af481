import { useMutation, useQueryClient } from '@tanstack/react-query'
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
  const mutation = useMutation({
    mutationFn: ({ wanted }: Change) => {
      const held = client.getQueryData<Case>(key)
      return call<Case>('PATCH', `/api/v1/cases/${encodeURIComponent(id)}`, { revision: revisionOf(held), ...wanted })
    },
    onMutate: async ({ wanted, assigneeName }: Change) => {
      await client.cancelQueries({ queryKey: key })
      const before = client.getQueryData<Case>(key)
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

function revisionOf(held: Case | undefined): number {
  if (!held) throw new ApiError('conflict', 409)
  return held.summary.revision
}
