import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { type ServiceName, serviceNames } from '../contracts/_kit/services.ts'
import type { ContractOverrides } from '../contracts/configured.ts'
import type { ContractName } from '../contracts/registry.ts'
import { messageOf, StartError } from '../platform/errors.ts'
import { type LogFile, type LogFormat, logFormats } from '../platform/log.ts'
import type { ObjectStoreSettings } from '../platform/storage/open-object-store.ts'
import type { PasswordHashing } from '../services/identity/index.ts'
import { readOverrides, readUnlimited } from './contract-overrides.ts'
import { databaseVariables, readDatabaseUrls } from './databases.ts'
import { createReader, type Environment, type Reader } from './environment.ts'
import { readHashing } from './hashing.ts'
import { readDevHosts, readHosts } from './hosts.ts'
import { type ConfiguredListener, readListeners } from './listeners.ts'
import { type RealmMail, readMailFrom, readRealmMail, readSmtp, requireAppUrls, type SmtpSettings } from './mail.ts'
import { readNetworks } from './networks.ts'
import { readSecrets } from './secrets.ts'
import { readAvatarStore, readUploadMaxBytes } from './storage.ts'
import { type Plan, planOf, usualPort } from './topologies.ts'

/** Everything that the environment decides, checked. */
export interface Config {
  /** What a command beside this process is told to mean the same: `--topology …`, or nothing for everything. */
  topologyOption: string
  development: boolean
  dataDir: string
  /** The master secret; undefined in development, where a file in the data folder holds it. */
  secret: string | undefined
  logLevel: string
  /** The form of what goes to stderr; undefined: for people on a terminal, JSON elsewhere. */
  logFormat: LogFormat | undefined
  /** Where the log goes beside stderr. */
  logFile: LogFile | undefined
  /** Which of several instances of the same unit this is. */
  instanceId: string
  /** What the process calls itself in what health tells; undefined: the contract's own name for it. */
  serviceName: string | undefined
  /** Multiplies the limits that answer 429. */
  limitsScale: number
  /** The contracts whose limits are switched off, in development. */
  unlimited: readonly ContractName[]
  listeners: readonly ConfiguredListener[]
  /** The contracts that a gateway of several serves alone on a host of their own, by its name in lower case. */
  hosts: ReadonlyMap<string, ContractName>
  /** In development: the hosts that are served beside this machine's own names, in lower case; undefined: every host is. */
  devHosts: ReadonlySet<string> | undefined
  /** Undefined in development, where it is derived from the master secret. */
  internalToken: string | undefined
  /** What `/metrics` wants as a Bearer token outside development; undefined: nobody may read it there, but who asks from this machine. */
  metricsToken: string | undefined
  /** Networks (CIDR) whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[]
  corsOrigins: readonly (string | RegExp)[]
  upstreamTimeoutMs: number
  /** How old the last news of revoked tokens may be before identity is asked about each token. */
  revocationStalenessMs: number
  hashing: PasswordHashing
  /** Days after which a signing key is replaced by itself; 0: never. */
  keyRotationDays: number
  /** Undefined in development, where mail is shown and not sent. */
  smtp: SmtpSettings | undefined
  /** The sender of mail: an address, or a name with the address in angle brackets; without a name it is the realm's title. */
  mailFrom: string
  /** Where people reach the listener that mailed links lead to; undefined: where it listens. No slash at the end. */
  appUrl: string | undefined
  /** What of these two a contract has of its own. */
  realmMail: Readonly<Partial<Record<ContractName, RealmMail>>>
  /** Undefined: no Redis, and limits are counted in each process. */
  redisUrl: string | undefined
  /** Where avatars are kept. */
  avatars: ObjectStoreSettings
  /** Bytes that an uploaded file may have. */
  uploadMaxBytes: number
  /** Connections to each database that a process holds at most. */
  poolSize: number
  /** The database of each service; undefined: the embedded server of the data folder. */
  databaseUrls: Readonly<Record<ServiceName, string>> | undefined
  /** What named these, for messages. */
  databaseVariables: Readonly<Record<ServiceName, string>>
  /** Where the services that do not run in this process are. */
  serviceUrls: Readonly<Record<ServiceName, string>>
  /** The HS256 secret of a contract that has one. */
  contractSecrets: Readonly<Partial<Record<ContractName, string>>>
  /** The first administrator's password, by contract; read only while there is no administrator. */
  adminPasswords: Readonly<Partial<Record<ContractName, string>>>
  /** What changes in a contract's realm and limits. */
  overrides: Readonly<Partial<Record<ContractName, ContractOverrides>>>
  /** What is taken as it is, and told at the start. */
  warnings: readonly string[]
}

const localOrigins = /^https?:\/\/(localhost|[a-z0-9-]+\.localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/** The environment with what `.env` of the working directory adds to it; a variable that is set wins over the file. */
export function readEnvironment(): Environment {
  let file: Environment = {}
  try {
    file = parseEnv(readFileSync('.env', 'utf8'))
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!missing) throw new StartError(`.env cannot be read: ${messageOf(error)}`)
  }
  return { ...file, ...process.env }
}

/**
 * The configuration of a command that listens nowhere; the names of `topology`'s reference count.
 * @param services those that it needs; all of the topology when absent
 */
export const loadCommandConfig = (topology = 'all', services = planOf([topology]).services): Config =>
  loadConfig({ ...readEnvironment(), PORT: undefined }, { ...planOf([topology]), services }, 'command')

/** Reads the environment for a plan. Every problem is reported, in one StartError. */
export function loadConfig(env: Environment, plan: Plan, purpose: 'start' | 'command' = 'start'): Config {
  const read = createReader(env, plan.deployment)
  const { problems } = read

  const development = read.flag('GUICHET_DEV')
  if (development && env.NODE_ENV === 'production') {
    problems.push('GUICHET_DEV=true opens demo accounts and is refused with NODE_ENV=production: unset one of the two.')
  }
  const limitsScale = read.number('GUICHET_LIMITS_SCALE', { fallback: 1, min: 0.01, max: 1_000_000 })
  if (!development && limitsScale !== 1) {
    problems.push('GUICHET_LIMITS_SCALE is for load tests in development (GUICHET_DEV=true): unset it.')
  }

  const redisUrl = read.redisUrl('REDIS_URL')
  if (purpose === 'start' && !development && plan.deployment.needsRedis && redisUrl === undefined) {
    problems.push(`REDIS_URL is missing: outside development the limits of ${plan.topology} are counted in Redis.`)
  }

  const dataDir = resolve(read.text('GUICHET_DATA_DIR') ?? './data')
  const config: Config = {
    topologyOption: plan.topology === 'all' ? '' : ` --topology ${plan.label}`,
    development,
    dataDir,
    ...readSecrets(read, plan, development),
    logLevel: read.choice('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
    logFormat: read.choice('GUICHET_LOG_FORMAT', logFormats, undefined),
    logFile: readLogFile(read, plan),
    instanceId: readInstanceId(read, plan),
    serviceName: readServiceName(read),
    limitsScale,
    unlimited: plan.contracts.filter((name) => readUnlimited(read, name, development)),
    listeners: readListeners(read, plan, development),
    hosts: readHosts(read, plan, development),
    devHosts: development ? readDevHosts(read) : undefined,
    trustedProxies: readNetworks(read, 'GUICHET_TRUSTED_PROXIES'),
    corsOrigins: readOrigins(read, plan, development),
    upstreamTimeoutMs: read.integer('GUICHET_UPSTREAM_TIMEOUT_MS', {
      fallback: plan.deployment.defaults?.upstreamTimeoutMs ?? 5_000,
      min: 50,
      max: 120_000,
    }),
    revocationStalenessMs: read.integer('GUICHET_REVOCATION_STALENESS_MS', {
      fallback: 60_000,
      min: 3_000,
      max: 3_600_000,
    }),
    hashing: readHashing(read, development),
    keyRotationDays: read.integer('GUICHET_KEY_ROTATION_DAYS', { fallback: 90, min: 0, max: 3_650 }),
    smtp: readSmtp(read, development),
    mailFrom: readMailFrom(read, 'GUICHET_MAIL_FROM') ?? 'noreply@localhost',
    appUrl: read.url('GUICHET_APP_URL'),
    realmMail: readRealmMail(read, plan),
    redisUrl,
    avatars: readAvatarStore(read, dataDir),
    uploadMaxBytes: readUploadMaxBytes(read),
    poolSize: read.integer('GUICHET_DATABASE_POOL', { fallback: 10, min: 1, max: 500 }),
    databaseUrls: readDatabaseUrls(read, plan),
    databaseVariables: databaseVariables(read, plan),
    serviceUrls: readServiceUrls(read, plan),
    adminPasswords: readByContract(plan, (name) => read.text(`${name.toUpperCase()}_ADMIN_PASSWORD`)),
    overrides: readByContract(plan, (name) => readOverrides(read, name, development)),
    warnings: read.warnings,
  }
  if (purpose === 'start' && !development) requireAppUrls(read, plan, config)
  if (problems.length > 0) {
    throw new StartError(`The environment does not fit:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
  }
  return config
}

function readServiceUrls(read: Reader, { deployment }: Plan): Record<ServiceName, string> {
  const urls = serviceNames.map((service) => {
    const url = read.url(`GUICHET_${service.toUpperCase()}_URL`)
    return [service, url ?? `http://localhost:${usualPort(deployment, service)}`]
  })
  return Object.fromEntries(urls)
}

function readInstanceId(read: Reader, { deployment, listeners, label }: Plan): string {
  const [only] = listeners
  const usual = deployment.defaults?.instanceId ?? `${listeners.length === 1 && only ? only.name : label}-1`
  const id = read.text('GUICHET_INSTANCE_ID') ?? usual.replaceAll(' ', '-')
  // It is sent as the value of a header.
  if (!/^[\w.:@-]{1,100}$/.test(id)) {
    read.problems.push(`${read.called('GUICHET_INSTANCE_ID')} may have letters, digits and . _ : @ -, up to 100.`)
  }
  return id
}

function readServiceName(read: Reader): string | undefined {
  const name = read.text('GUICHET_SERVICE_NAME')
  if (name !== undefined && !/^[\w.-]{1,100}$/.test(name)) {
    read.problems.push(`${read.called('GUICHET_SERVICE_NAME')} may have letters, digits and . _ -, up to 100.`)
  }
  return name
}

/** `none` keeps a topology that has a log file by default from writing one. */
function readLogFile(read: Reader, { deployment, label }: Plan): LogFile | undefined {
  // Two processes must not write one file: a unit that runs alone has one of its own name.
  const usual = deployment.defaults?.logFile?.replace('<unit>', label.split('/').at(-1) ?? label)
  const path = read.text('GUICHET_LOG_FILE') ?? usual ?? 'none'
  const sizeBytes = read.bytes('GUICHET_LOG_FILE_SIZE', { fallback: 10 * 1_024 ** 2, min: 1_024, max: 10 * 1_024 ** 3 })
  const count = read.integer('GUICHET_LOG_FILE_COUNT', { fallback: 10, min: 1, max: 1_000 })
  return path === 'none' ? undefined : { path: resolve(path), sizeBytes, count }
}

function readOrigins(read: Reader, { deployment }: Plan, development: boolean): (string | RegExp)[] {
  const { furtherOrigins, defaults } = deployment
  const named = read.list('GUICHET_CORS_ORIGINS')
  const further = furtherOrigins ? read.list(furtherOrigins).map((url) => url.replace(/\/+$/, '')) : []
  for (const origin of [...named, ...further]) {
    if (!/^https?:\/\/[^/\s]+$/.test(origin)) {
      const name = named.includes(origin) ? read.called('GUICHET_CORS_ORIGINS') : furtherOrigins
      read.problems.push(`${name}: "${origin}" is not an origin like https://www.example.org.`)
    }
  }
  const usual = development ? [localOrigins] : (defaults?.corsOrigins ?? [])
  return [...(named.length > 0 ? named : usual), ...further]
}

function readByContract<Value>({ contracts }: Plan, read: (name: ContractName) => Value | undefined) {
  const found = contracts.flatMap((name) => {
    const value = read(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(found) as Partial<Record<ContractName, Value>>
}
