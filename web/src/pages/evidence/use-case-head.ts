import { ApiError } from '../../api/error.ts'
import { useCase } from '../../api/queries.ts'
import { useRoom } from '../../api/room.ts'
import type { components } from '../../api/schema.ts'

/** What stands over everything that is of a case. */
export type CaseHead = Pick<components['schemas']['RoomCase'], 'id' | 'number' | 'title' | 'marking'>

/** What a case is called and how it is marked: one of this hub's, or one of another hub's whose room is here. */
export function useCaseHead(id: string): { data: CaseHead | undefined; error: Error | null; refetch: () => void } {
  const own = useCase(id)
  const isElsewhere = own.error instanceof ApiError && own.error.code === 'not-found'
  const room = useRoom(id, 1, isElsewhere)
  return {
    data: own.data?.summary ?? room.data?.case,
    error: isElsewhere ? room.error : own.error,
    refetch: () => void (isElsewhere ? room.refetch() : own.refetch()),
  }
}
