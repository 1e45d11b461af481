import type { CodedText } from '../../api/response.ts'
import { useCoded } from './words.ts'

/** What the hub says by a code; in English, and marked as that, where the code is not known here. */
export function Coded({ table, text, known }: { table: Parameters<ReturnType<typeof useCoded>>[0]; text: string; known?: CodedText | null | undefined }) {
  const said = useCoded()(table, text, known)
  return <span lang={said.lang}>{said.text}</span>
}
