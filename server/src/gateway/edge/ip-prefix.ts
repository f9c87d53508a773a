import { isIPv6 } from 'node:net'

/** What counts as one caller: an IPv4 address, or an IPv6 /64, of which one household has all addresses. */
export function ipPrefixOf(address: string): string {
  // Most are, and the test for IPv6 costs more than the rest of a cached answer.
  if (!address.includes(':')) return address
  // An IPv4 address as a socket of both families writes it (RFC 4291, 2.5.5.2) stands for itself.
  if (!isIPv6(address) || /^::ffff:[\d.]+$/i.test(address)) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const first = groupsOf(head)
  const last = tail === undefined ? [] : groupsOf(tail)
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}

/** The groups of one side without leading zeros; an IPv4 address at its end stands for two. */
const groupsOf = (side: string): string[] =>
  side === ''
    ? []
    : side.split(':').flatMap((group) => (group.includes('.') ? ['', ''] : [group.replace(/^0+(?=.)/, '')]))
