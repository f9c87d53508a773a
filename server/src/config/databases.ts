import type { Deployment } from '../contracts/_kit/deployment.ts'
import { type ServiceName, serviceNames } from '../contracts/_kit/services.ts'
import type { Reader } from './environment.ts'
import type { Plan } from './topologies.ts'

const variable = (service: ServiceName) => `${service.toUpperCase()}_DATABASE_URL`

/** All services of the plan on the servers that the variables name, or all of them embedded: never a mixture. */
export function readDatabaseUrls(read: Reader, plan: Plan): Record<ServiceName, string> | undefined {
  const own = new Map(serviceNames.map((service) => [service, read.databaseUrl(variable(service), { aliases: false })]))
  const urls = serviceNames.map((service) => {
    const url = own.get(service)
    if (url === undefined) return [service, referenceUrlOf(read, plan, service)] as const
    const shared = serviceNames.some((other) => other !== service && own.get(other) === url)
    return [service, shared ? inSchema(url, service) : url] as const
  })
  if (urls.every(([, url]) => url === undefined)) return undefined
  for (const [service, url] of urls) {
    if (url !== undefined || !plan.services.includes(service)) continue
    const name = read.called(variable(service))
    read.problems.push(`${name} is missing: it must be set as soon as another database URL is.`)
  }
  return Object.fromEntries(urls.map(([service, url]) => [service, url ?? ''])) as Record<ServiceName, string>
}

/** What each service's database was named by, for messages. */
export function databaseVariables(read: Reader, { deployment, services }: Plan): Record<ServiceName, string> {
  const { database: parts } = deployment
  const names = serviceNames.map((service) => {
    const ours = variable(service)
    const found = services.includes(service) ? read.find(ours)?.name : undefined
    return [service, found ?? (parts ? `${parts.prefix}_HOST and its companions` : ours)]
  })
  return Object.fromEntries(names)
}

/**
 * By a reference's name, which means those of the services that the plan runs: two units may each have a database under the same name.
 * Where they may meet in one database identity has the default schema there and every other service one of its own.
 */
function referenceUrlOf(
  read: Reader,
  { deployment, services, everywhere }: Plan,
  service: ServiceName,
): string | undefined {
  if (!services.includes(service)) return undefined
  const url = read.databaseUrl(variable(service)) ?? urlFromParts(read, deployment)
  if (url === undefined || everywhere.length === 1) return url
  // Said, because a user who is called like a service would be led to that one's schema.
  return inSchema(url, service === 'identity' ? 'public' : service)
}

function urlFromParts(read: Reader, { database: parts }: Deployment): string | undefined {
  if (!parts) return undefined
  const { prefix, defaults } = parts
  const port = read.count(`${prefix}_PORT`, { min: 1, max: 65_535 })
  const [host, user, password, name] = ['HOST', parts.user, parts.password, 'NAME'].map((part) =>
    read.text(`${prefix}_${part}`),
  )
  if ([port, host, user, password, name].every((part) => part === undefined)) return undefined
  const secret = password ?? defaults.password
  if (secret === undefined)
    read.problem(`${prefix}_${parts.password} is missing: the database's password has no default.`)
  const address = host?.includes(':') ? `[${host.replaceAll(/[[\]]/g, '')}]` : (host ?? 'localhost')
  const credentials = [user ?? defaults.user, secret ?? ''].map(encodeURIComponent).join(':')
  const url = `postgresql://${credentials}@${address}:${port ?? defaults.port}/${encodeURIComponent(name ?? defaults.name)}`
  if (!URL.canParse(url)) read.problem(`${prefix}_HOST must be a host name or an address, not "${host}".`)
  return url
}

/** A service that shares a database has a schema of its own in it. */
function inSchema(url: string, schema: ServiceName | 'public'): string {
  const parsed = new URL(url)
  const options = parsed.searchParams.get('options')
  parsed.searchParams.set('options', `${options ? `${options} ` : ''}-c search_path=${schema}`)
  return parsed.href
}
