import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { preparedDataDir } from './prepared-data.ts'
import { freePorts, type GuichetProcess, startProcess, testEnvironment } from './processes.ts'

/**
 * Every arrangement, with the contract tests that run in it. On the gateway that all share and as processes of its own a contract
 * is tested in full. Its topology in one process is the same code behind other listeners: a few files show that it signs people
 * in, reads, writes, refuses and is healthy.
 */
export const arrangements = {
  all: ['**/*'],
  // All contracts before services that run by themselves.
  'all-in-four': ['together/*'],
  'shop-in-four': ['shop/*'],
  'helpdesk-in-two': ['helpdesk/*'],
  'portal-in-two': ['portal/*'],
  shop: ['shop/health', 'shop/sign-in', 'shop/products'],
  clients: ['clients/edge', 'clients/sign-in'],
  helpdesk: ['helpdesk/edge', 'helpdesk/health', 'helpdesk/user-health', 'helpdesk/sign-in', 'helpdesk/register'],
  tenants: ['tenants/edge', 'tenants/isolation', 'tenants/me'],
  portal: ['portal/health', 'portal/sign-in', 'portal/delete-user'],
} as const satisfies Record<string, readonly string[]>
export type ArrangementName = keyof typeof arrangements

/** Contracts, running somehow: what a black-box test may know of them. */
export interface Arrangement {
  name: ArrangementName
  /** Base URLs by what the units of shop, helpdesk and portal do; where there is one listener, it is all of them. */
  urls: { gateway: string; auth: string; users: string; orders: string }
  /** The host name to ask for by which a contract is reached that the default host does not serve. */
  hosts: Readonly<Record<string, string>>
  dataDir: string
  /** The folder for temporary files of its processes, which no other arrangement has. */
  temporary: string
  /** The superuser's URL of its PostgreSQL: put a database name in the place of `postgres` to look inside. */
  postgresUrl: string
}

export interface RunningArrangement extends Arrangement {
  /** The processes by unit; in one-process arrangements the only one, under `gateway`. */
  processes: Readonly<Record<string, GuichetProcess>>
  /** Starts one unit of `shop-in-four` again, on its old port. */
  restart(unit: ShopUnit): Promise<void>
  stop(): Promise<void>
}

export const shopUnits = ['api-gateway', 'auth-service', 'user-service', 'orders-service'] as const
export type ShopUnit = (typeof shopUnits)[number]

/** Starts the shop in one of its arrangements, on free ports and a data folder of its own. */
export async function startArrangement(
  name: ArrangementName,
  extra: Readonly<Record<string, string>> = {},
): Promise<RunningArrangement> {
  const dataDir = await preparedDataDir(`guichet-${name}`)
  const temporary = join(dataDir, 'tmp')
  await mkdir(temporary)
  const environment = { ...testEnvironment, GUICHET_DATA_DIR: dataDir, TMPDIR: temporary, ...extra }
  const processes: Record<string, GuichetProcess> = {}
  const stop = async () => {
    // The owner of the database last.
    for (const process of Object.values(processes).reverse()) await process.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const ports = await freePorts(4)
    const start = starters[name]
    const { urls, restart = noRestart } = await start(processes, environment, ports)
    const hosts: Record<string, string> = name.startsWith('all') ? { portal: 'portal.localhost' } : {}
    const postgresUrl = (await readFile(join(dataDir, 'postgres', 'url'), 'utf8')).trim()
    return { name, urls, hosts, dataDir, temporary, postgresUrl, processes, restart, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

type Starter = (
  processes: Record<string, GuichetProcess>,
  environment: Readonly<Record<string, string>>,
  ports: readonly number[],
) => Promise<{ urls: Arrangement['urls']; restart?: (unit: ShopUnit) => Promise<void> }>

/** A database that processes share, under the variables by which they find it. */
async function sharedDatabase(
  processes: Record<string, GuichetProcess>,
  environment: Readonly<Record<string, string>>,
) {
  // `stop` goes backwards, so the database comes first.
  processes.database = await startProcess(['database'], environment, { ready: /ORDERS_DATABASE_URL=/ })
  const said = processes.database.stdout().matchAll(/^(\w+_DATABASE_URL)=(\S+)$/gm)
  return Object.fromEntries([...said].map(([, name, url]) => [name, url]))
}

const noRestart = async () => {
  throw new Error('only units that run by themselves can be started again')
}

function oneListener(words: readonly string[]): Starter {
  return async (processes, environment, [port]) => {
    processes.gateway = await startProcess(['start', ...words], { ...environment, PORT: String(port) })
    const url = `http://127.0.0.1:${port}`
    return { urls: { gateway: url, auth: url, users: url, orders: url } }
  }
}

const starters: Readonly<Record<ArrangementName, Starter>> = {
  all: oneListener([]),
  clients: oneListener(['clients']),
  tenants: oneListener(['tenants']),
  async helpdesk(processes, environment, [auth, users]) {
    const variables = { AUTH_SERVICE_PORT: String(auth), USER_SERVICE_PORT: String(users) }
    processes.gateway = await startProcess(['start', 'helpdesk'], { ...environment, ...variables })
    return { urls: helpdeskUrls(auth, users) }
  },
  // The first to start brings the database, and the other shares it.
  async 'helpdesk-in-two'(processes, environment, [auth, users]) {
    const urls = helpdeskUrls(auth, users)
    const start = (unit: string, port: number | undefined, more = {}) =>
      startProcess(['start', `helpdesk/${unit}`], { ...environment, ...more, PORT: String(port) })
    processes.gateway = await start('auth-service', auth)
    processes.users = await start('user-service', users, { AUTH_SERVICE_URL: urls.auth })
    return { urls }
  },
  async portal(processes, environment, [gateway, users]) {
    const variables = { RNCP_API_GATEWAY_PORT: String(gateway), RNCP_USER_SERVICE_PORT: String(users) }
    processes.gateway = await startProcess(['start', 'portal'], { ...environment, ...variables })
    return { urls: portalUrls(gateway, users) }
  },
  async 'portal-in-two'(processes, environment, [gateway, users]) {
    const urls = portalUrls(gateway, users)
    const start = (unit: string, port: number | undefined, more = {}) =>
      startProcess(['start', `portal/${unit}`], { ...environment, ...more, PORT: String(port) })
    processes.users = await start('rncp-user-service', users)
    processes.gateway = await start('rncp-api-gateway', gateway, { USER_SERVICE_URL: urls.users })
    return { urls }
  },
  async shop(processes, environment, ports) {
    processes.gateway = await startProcess(['start', 'shop'], { ...environment, ...portVariables(ports) })
    return { urls: urlsAt(ports) }
  },
  async 'all-in-four'(processes, environment, ports) {
    const databaseUrls = await sharedDatabase(processes, environment)
    const [gateway, identity, profiles, orders] = ports.map((port) => `http://127.0.0.1:${port}`)
    const shared = {
      ...environment,
      ...databaseUrls,
      GUICHET_IDENTITY_URL: identity!,
      GUICHET_PROFILES_URL: profiles!,
      GUICHET_ORDERS_URL: orders!,
    }
    const roles = ['gateway', 'identity', 'profiles', 'orders']
    for (const role of ['identity', 'profiles', 'orders', 'gateway'])
      processes[role] = await startProcess(['start', role], { ...shared, PORT: String(ports[roles.indexOf(role)]) })
    return { urls: { gateway: gateway!, auth: gateway!, users: gateway!, orders: gateway! } }
  },
  async 'shop-in-four'(processes, environment, ports) {
    const databaseUrls = await sharedDatabase(processes, environment)
    const [, auth, users, orders] = ports.map((port) => `http://127.0.0.1:${port}`)
    const shared = {
      ...environment,
      ...databaseUrls,
      AUTH_SERVICE_URL: auth!,
      USER_SERVICE_URL: users!,
      ORDERS_SERVICE_URL: orders!,
    }
    const restart = async (unit: ShopUnit) => {
      const port = ports[shopUnits.indexOf(unit)]
      processes[unit] = await startProcess(['start', `shop/${unit}`], { ...shared, PORT: String(port) })
    }
    for (const unit of ['auth-service', 'user-service', 'orders-service', 'api-gateway'] as const) await restart(unit)
    return { urls: urlsAt(ports), restart }
  },
}

const helpdeskUrls = (auth: number | undefined, users: number | undefined): Arrangement['urls'] => {
  const at = `http://127.0.0.1:${auth}`
  return { gateway: at, auth: at, users: `http://127.0.0.1:${users}`, orders: at }
}

const portalUrls = (gateway: number | undefined, users: number | undefined): Arrangement['urls'] => {
  const at = `http://127.0.0.1:${users}`
  return { gateway: `http://127.0.0.1:${gateway}`, auth: at, users: at, orders: at }
}

const portVariables = ([gateway, auth, users, orders]: readonly number[]) => ({
  API_GATEWAY_PORT: String(gateway),
  AUTH_SERVICE_PORT: String(auth),
  USER_SERVICE_PORT: String(users),
  ORDERS_SERVICE_PORT: String(orders),
})

function urlsAt(ports: readonly number[]): Arrangement['urls'] {
  const [gateway, auth, users, orders] = ports.map((port) => `http://127.0.0.1:${port}`)
  return { gateway: gateway!, auth: auth!, users: users!, orders: orders! }
}
