import { isIP } from 'node:net'
import type { Reader } from './environment.ts'

/** Networks that have a name of their own. */
const named = new Set(['loopback', 'linklocal', 'uniquelocal'])

/** Addresses and networks (CIDR, or with a netmask for IPv4). */
export function readNetworks(read: Reader, name: string): string[] {
  const networks = read.list(name)
  for (const network of networks) {
    if (!isNetwork(network))
      read.problems.push(`${read.called(name)}: "${network}" is no network like 10.0.0.0/8 or fd00::/8.`)
  }
  return networks
}

function isNetwork(text: string): boolean {
  const [address = '', mask, ...rest] = text.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  if (rest.length > 0 || bits === -1) return named.has(text)
  return mask === undefined || (/^\d{1,3}$/.test(mask) && Number(mask) <= bits)
}
