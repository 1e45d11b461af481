// Observable values as people write, paste and show them.

export type ValueKind = 'ipv4-addr' | 'ipv6-addr' | 'domain-name' | 'url' | 'email-addr' | 'file-hash'

export interface Recognised {
  kind: ValueKind
  value: string
}

/** Undoes what analysts do so that nobody clicks: hxxp, [.], (dot), [:], [@], full-width characters. */
export function refang(text: string): string {
  return text
    .normalize('NFKC')
    .trim()
    .replace(/^[<「"'“]+|[>」"'”]+$/gu, '')
    .replace(/\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)/giu, '.')
    .replace(/\[:\]/gu, ':')
    .replace(/\[:\/\/\]/gu, '://')
    .replace(/\[@\]|\(at\)|\[at\]/giu, '@')
    .replace(/^h(?:xx|\*\*)p(s?)(?=:)/iu, 'http$1')
}

const HASH = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/iu
const DOMAIN = /^(?=.{4,253}$)(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?\.)+(?:\p{L}{2,63}|xn--[a-z0-9-]{2,59})$/iu
const EMAIL = /^[^\s@]{1,64}@([^\s@]+)$/u
const URL_START = /^[a-z][a-z0-9+.-]{1,20}:\/\/\S+$/iu

/** What a text is, if it is one observable value, also when it was written so that nobody clicks. */
export function recognise(text: string): Recognised | null {
  const value = refang(text)
  if (value === '' || /\s/u.test(value)) return null
  if (isIpv4(value)) return { kind: 'ipv4-addr', value }
  if (isIpv6(value)) return { kind: 'ipv6-addr', value: value.toLowerCase() }
  if (HASH.test(value)) return { kind: 'file-hash', value: value.toLowerCase() }
  if (URL_START.test(value)) return { kind: 'url', value }
  const mail = EMAIL.exec(value)
  if (mail?.[1] !== undefined && DOMAIN.test(mail[1])) return { kind: 'email-addr', value }
  if (DOMAIN.test(value)) return { kind: 'domain-name', value: value.toLowerCase() }
  return null
}

/** A value as it is shown: nothing that a mail program or a slip of the hand would open. Hashes stay as they are. */
export function defang(value: string): string {
  const known = recognise(value)
  switch (known?.kind) {
    case 'ipv4-addr':
    case 'domain-name':
      return value.replace(/\.(?=[^.]*$)/u, '[.]')
    case 'ipv6-addr':
      return value.replace(/:(?=[^:]*$)/u, '[:]')
    case 'email-addr':
      return value.replace('@', '[@]')
    case 'url':
      return value.replace(/^http(s?):\/\//iu, 'hxxp$1://').replace(/^([a-z0-9+.-]+:\/\/)([^/?#]+)/iu, (_, scheme: string, host: string) =>
        scheme + host.replace(/\.(?=[^.]*$)/u, '[.]'))
    default:
      return value
  }
}

function isIpv4(text: string): boolean {
  const [address, prefix, ...rest] = text.split('/')
  if (rest.length > 0 || (prefix !== undefined && !(/^\d{1,2}$/u.test(prefix) && Number(prefix) <= 32))) return false
  const parts = (address ?? '').split('.')
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/u.test(part) && Number(part) <= 255)
}

function isIpv6(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  if (rest.length > 0 || (prefix !== undefined && !(/^\d{1,3}$/u.test(prefix) && Number(prefix) <= 128))) return false
  if (!address.includes(':') || !/^[0-9a-f:.]+$/iu.test(address) || address.includes(':::')) return false
  const halves = address.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const half of halves) {
    if (half === '') continue
    for (const [place, group] of half.split(':').entries()) {
      const last = place === half.split(':').length - 1
      if (last && group.includes('.') && isIpv4(group)) groups += 2
      else if (/^[0-9a-f]{1,4}$/iu.test(group)) groups += 1
      else return false
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8
}
