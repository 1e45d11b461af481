// Values of a playbook's variables, as they are typed and as they are sent.

export type Read = { value: unknown } | { fault: 'empty' | 'number' | 'whole' | 'json' | 'address' | 'uuid' }

const WHOLE = /^[+-]?\d{1,18}$/u
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/u
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu
const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}(?:\/\d{1,2})?$/u
const IPV6 = /^[0-9a-f:.]+(?:\/\d{1,3})?$/iu

/** Types that hold parts of their own: they are typed as JSON. */
const COMPOUND = new Set(['dictionary', 'list'])

export const isCompound = (kind: string) => COMPOUND.has(kind)

/** What was typed, by the variable's type. CACAO writes every value but lists and dictionaries as text; the hub judges it again. */
export function read(kind: string, typed: string): Read {
  const text = typed.trim()
  if (text === '') return { fault: 'empty' }
  switch (kind) {
    case 'bool': return { value: text }
    case 'integer': case 'long': return WHOLE.test(text) ? { value: text } : { fault: 'whole' }
    case 'float': return NUMBER.test(text) ? { value: text } : { fault: 'number' }
    case 'uuid': return UUID.test(text) ? { value: text } : { fault: 'uuid' }
    case 'ipv4-addr': return IPV4.test(text) ? { value: text } : { fault: 'address' }
    case 'ipv6-addr': return text.includes(':') && IPV6.test(text) ? { value: text } : { fault: 'address' }
    case 'list': case 'dictionary':
      try {
        const value = JSON.parse(text) as unknown
        const isRight = kind === 'list' ? Array.isArray(value) : typeof value === 'object' && value !== null && !Array.isArray(value)
        return isRight ? { value } : { fault: 'json' }
      } catch {
        return { fault: 'json' }
      }
    default: return { value: text }
  }
}

/** A value as text. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
