import { isIP } from 'node:net'
import { type ContractName, contractNames } from '../contracts/registry.ts'
import type { Reader } from './environment.ts'
import type { Plan } from './topologies.ts'

const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
/** RFC 1123, 2.1; names of other scripts as the DNS has them (`xn--…`). */
const hostName = new RegExp(`^(?=.{1,253}$)${label}(\\.${label})*$`)

/**
 * The hosts on which the shared gateway serves one contract alone, by name: those of `GUICHET_HOSTS`, and in development
 * `<contract>.localhost` (RFC 6761, 6.3), which needs no DNS.
 */
export function readHosts(
  read: Reader,
  { topology, contracts }: Plan,
  development: boolean,
): ReadonlyMap<string, ContractName> {
  // In the other topologies every listener has one contract.
  if (topology !== 'all') return new Map()
  const named = new Map<string, ContractName>()
  for (const entry of read.list('GUICHET_HOSTS')) {
    const [, contract, name] = /^\s*([^=]*?)\s*=\s*(.*?)\.?$/.exec(entry.toLowerCase()) ?? []
    const owner = contractNames.find((one) => one === contract)
    const complain = (why: string) => void read.problems.push(`GUICHET_HOSTS: ${why}.`)
    if (contract === undefined || name === undefined)
      complain(`"${entry}" is not like ${contractNames[0]}=www.example.org`)
    else if (!owner) complain(`there is no contract "${contract}"; known: ${contractNames.join(', ')}`)
    else if (!hostName.test(name)) complain(`"${name}" is no host name`)
    else if (named.has(name)) complain(`"${name}" stands there twice`)
    else named.set(name, owner)
  }
  const local = development ? contracts.map((name) => [`${name}.localhost`, name] as const) : []
  return new Map([...local, ...named])
}

/** Those of `GUICHET_DEV_HOSTS` and `GUICHET_HOSTS`, and what `HOST` says to listen on. */
export function readDevHosts(read: Reader): ReadonlySet<string> {
  const named = read.list('GUICHET_DEV_HOSTS').map((name) => name.toLowerCase().replace(/\.$/, ''))
  for (const name of named) {
    if (!hostName.test(name) && isIP(name.replace(/^\[(.*)\]$/, '$1')) === 0)
      read.problems.push(`${read.called('GUICHET_DEV_HOSTS')}: "${name}" is no host name.`)
  }
  const listedAt = read.list('GUICHET_HOSTS').map((entry) => entry.toLowerCase().replace(/^[^=]*=\s*|\.$/g, ''))
  const listening = read.text('HOST')?.toLowerCase()
  return new Set([...named, ...listedAt, ...(listening ? [listening] : [])].map(inUrl))
}

/** An address as it stands in a URL. */
const inUrl = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)
