import { isIPv6 } from 'node:net'

/** What counts as one caller: an IPv4 address, or an IPv6 /64, of which one household has all addresses. */
export function ipPrefixOf(address: string): string {
  // Most are, and the test for IPv6 costs more than the rest of a cached answer.
  if (!address.includes(':') || isIPv4(address)) return address
  return groupsOf(address).slice(0, 4).join(':')
}

/** The network of a caller, of which one customer of a provider may have all: an IPv4 /24, or an IPv6 /48. */
export function networkOf(address: string): string {
  if (isIPv4(address)) return address.slice(0, address.lastIndexOf('.'))
  return groupsOf(address).slice(0, 3).join(':')
}

/** Also an IPv4 address as a socket of both families writes it (RFC 4291, 2.5.5.2). */
const isIPv4 = (address: string): boolean => !isIPv6(address) || /^::ffff:[\d.]+$/i.test(address)

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::')
  const first = written(head)
  const last = tail === undefined ? [] : written(tail)
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  return [...first, ...zeros, ...last]
}

/** The groups of one side without leading zeros; an IPv4 address at its end stands for two. */
const written = (side: string): string[] =>
  side === ''
    ? []
    : side.split(':').flatMap((group) => (group.includes('.') ? ['', ''] : [group.replace(/^0+(?=.)/, '')]))
