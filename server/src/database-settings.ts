import { type ServiceName, serviceNames } from './contracts/_kit/contract.ts'
import type { Reader } from './environment.ts'
import type { Plan } from './topologies.ts'

const variable = (service: ServiceName) => `${service.toUpperCase()}_DATABASE_URL`

/** All services of the plan on the servers that the variables name, or all of them embedded: never a mixture. */
export function readDatabaseUrls(read: Reader, plan: Plan): Record<ServiceName, string> | undefined {
  const urls = serviceNames.map((service) => [service, urlOf(read, plan, service)] as const)
  const present = urls.filter(([, url]) => url !== undefined)
  if (present.length === 0) return undefined
  for (const [service, url] of urls) {
    if (url !== undefined || !plan.services.includes(service)) continue
    const name = read.called(variable(service))
    read.problems.push(`${name} is missing: it must be set as soon as another database URL is.`)
  }
  const known = Object.fromEntries(urls.map(([service, url]) => [service, url ?? ''])) as Record<ServiceName, string>
  for (const [service, url] of present) {
    if (url !== undefined && present.some(([other, same]) => other !== service && same === url)) {
      known[service] = inSchema(url, service)
    }
  }
  return known
}

const urlOf = (read: Reader, { topology }: Plan, service: ServiceName): string | undefined =>
  read.databaseUrl(variable(service)) ??
  (topology === 'clients' && service === 'identity' ? urlFromParts(read) : undefined)

/** The clients' seed names its database in five parts; one of them set is enough, the others have its defaults. */
function urlFromParts(read: Reader): string | undefined {
  const port = read.count('DATABASE_PORT', { min: 1, max: 65_535 })
  const [host, username, password, name] = ['HOST', 'USERNAME', 'PASSWORD', 'NAME'].map((part) =>
    read.text(`DATABASE_${part}`),
  )
  if ([port, host, username, password, name].every((part) => part === undefined)) return undefined
  const address = host?.includes(':') ? `[${host.replaceAll(/[[\]]/g, '')}]` : (host ?? 'localhost')
  const credentials = [username ?? 'postgres', password ?? 'postgres'].map(encodeURIComponent).join(':')
  const url = `postgresql://${credentials}@${address}:${port ?? 5_433}/${encodeURIComponent(name ?? 'clients_db')}`
  if (!URL.canParse(url)) read.problems.push(`DATABASE_HOST must be a host name or an address, not "${host}".`)
  return url
}

/** One URL for several services: each has a schema of its own in that database. */
function inSchema(url: string, service: ServiceName): string {
  const parsed = new URL(url)
  const options = parsed.searchParams.get('options')
  parsed.searchParams.set('options', `${options ? `${options} ` : ''}-c search_path=${service}`)
  return parsed.href
}
