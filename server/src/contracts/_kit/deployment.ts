import type { Introspector } from '../../platform/tokens/introspection.ts'
import type { NewProduct } from '../../services/orders/index.ts'
import type { ServiceName } from './services.ts'

/** One process of a topology, when each unit runs by itself. */
export interface Unit {
  name: string
  port: number
  /** What it runs; a gateway alone runs nothing and forwards everything. */
  services: readonly ServiceName[]
  /** True when it serves the routes of all services, its own or not. */
  gateway: boolean
}

/** How a contract's reference is run, which ours is run like: its processes, its variables, its demo. */
export interface Deployment {
  units: readonly Unit[]
  /** The reference's names for variables of ours. They count in its own topology only; the first that is set wins. */
  aliases?: Readonly<Record<string, readonly string[]>>
  /** Those of its variables whose bare numbers are milliseconds; times are seconds everywhere else. */
  inMilliseconds?: readonly string[]
  /** Those that mean nothing here, with the reason. */
  ignored?: Readonly<Record<string, string>>
  /** Its defaults, where ours is another one. */
  defaults?: DeploymentDefaults
  /** Where it names its database in five variables. */
  database?: DatabaseParts
  /** The variable with origins beside those of `GUICHET_CORS_ORIGINS`. */
  furtherOrigins?: string
  /** True when limits have to be counted in Redis outside development. */
  needsRedis?: boolean
  /** True when `<CONTRACT>_FIRST_USER` may let the first to register administer it, as everybody's is in development. */
  firstUserMayAdminister?: boolean
  /** True when its topology does not start outside development before it has an administrator. */
  needsAdministrator?: boolean
  /** Headers of requests that its routes read beside those that every gateway passes on, in lower case. */
  forwardedHeaders?: readonly string[]
  /**
   * How a unit that runs without identity checks tokens: by asking the unit that has it, about each. Absent where they are checked
   * by signature and revocation list alone.
   */
  introspection?: {
    open(options: IntrospectionOptions): Introspector
    /** What stands before a token's hash where Redis keeps answers. */
    cachePrefix: string
  }
  /** What development finds there. */
  demo?: { accounts: readonly DemoAccount[]; products?: readonly NewProduct[] }
}

interface DeploymentDefaults {
  instanceId?: string
  /** With `<unit>` for what runs: the unit, or the whole topology. */
  logFile?: string
  upstreamTimeoutMs?: number
  corsOrigins?: readonly string[]
}

/** One of the five set is enough; the others have their defaults. */
interface DatabaseParts {
  prefix: string
  /** The suffixes of the variables for user and password. */
  user: string
  password: string
  defaults: { user: string; password?: string; port: number; name: string }
}

export interface IntrospectionOptions {
  /** Where the unit with identity listens. */
  url: string
  /** Milliseconds that it may take to answer. */
  timeoutMs: number
  /** By which we say that we are a service of the same installation. */
  serviceToken: string
}

export interface DemoAccount {
  /** The e-mail address, when absent. */
  username?: string
  email: string
  password: string
  displayName?: string
  role?: string
  /** Seldom, so that no mail goes to an address that is nobody's. */
  emailVerified?: boolean
  secondFactor?: boolean
  made: 'at every start' | 'by seed'
  /** True when a start in development says it. */
  announced?: boolean
}
