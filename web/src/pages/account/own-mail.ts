// A mail address, looked at before it is sent to the hub: who typed it reads at once, and in their own language, what to change.

/** What is amiss with an address; nothing where the hub may be asked. It looks again. */
export function addressFault(text: string, domains: string[]): 'form' | 'domain' | null {
  const [local = '', domain = '', ...more] = text.trim().split('@')
  if (local === '' || domain === '' || more.length > 0 || /\s/u.test(local + domain)) return 'form'
  return domains.some((one) => one.toLowerCase() === domain.toLowerCase()) ? null : 'domain'
}
