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
