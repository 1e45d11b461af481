import { useOversight } from '../../api/oversight.ts'
import { useSession } from '../../api/session.ts'

/** The reader's name in the constitution that stands; `null` for whoever is no member of the commission. */
export function useOwnMembership(): string | null {
  const { person, may } = useSession()
  const commission = useOversight(may.includes('decide-authorisation')).data?.commission
  return commission?.members.find((member) => member.id === person.id)?.name ?? null
}
