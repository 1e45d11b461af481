// What an OpenC2 command says, for a headline above its exact text. The text stays what counts.

export interface Told {
  /** The action, as OpenC2 names it. */
  action: string
  /** The kind of target, as OpenC2 names it. */
  kind: string
  /** What is hit. */
  target: string
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a command or the message around one; nothing where it is neither. */
export function told(body: unknown): Told | null {
  const value = typeof body === 'string' ? parsed(body) : body
  if (!isMap(value)) return null
  const inner = inside(value)
  if (typeof inner['action'] !== 'string' || !isMap(inner['target'])) return null
  const [first] = Object.entries(inner['target'])
  if (!first) return null
  const [kind, target] = first
  return { action: inner['action'], kind, target: flat(target) }
}

function inside(value: Record<string, unknown>): Record<string, unknown> {
  if (typeof value['action'] === 'string') return value
  const body = value['body']
  if (isMap(body) && isMap(body['openc2'])) return isMap(body['openc2']['request']) ? body['openc2']['request'] : body['openc2']
  return value
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

/** A target's value on one line: a connection as its parts. */
function flat(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (isMap(value)) return Object.entries(value).map(([name, part]) => `${name} ${flat(part)}`).join(', ')
  return JSON.stringify(value)
}

/** Indented where it is JSON, so that a person can read it; the text itself elsewhere. Nothing is left out or put in. */
export function readable(text: string): string {
  const value = parsed(text)
  return isMap(value) || Array.isArray(value) ? JSON.stringify(value, null, 2) : text
}
