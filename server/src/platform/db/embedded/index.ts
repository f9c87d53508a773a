import path from 'node:path'
import pg from 'pg'
import { messageOf, StartError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { findBinaries } from './binaries.ts'
import { type Cluster, ensureCluster } from './cluster.ts'
import { makeDatabases, passwordOf } from './databases.ts'
import { claimServer, keepClaim } from './ownership.ts'
import { shutDownAtOnce, stopProcess } from './process.ts'
import { type ReachedServer, reachServer } from './server.ts'

/** The PostgreSQL that comes with Guichet, running on a data folder. */
export type EmbeddedServer = Awaited<ReturnType<typeof settle>>

export interface EmbeddedOptions {
  dataDir: string
  /** `own` refuses a folder that another process owns; `join-or-own` shares that process's server. */
  ownership: 'own' | 'join-or-own'
  /** Each gets a role and a database of its name. */
  services: readonly string[]
  log: Logger
  /** Aborted: a server that we started or own is shut down at once, without a word to its sessions. */
  atOnce?: AbortSignal | undefined
}

/** Opens the data folder's server with all databases in place; throws a `StartError` that says what to change. */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const dataDir = path.resolve(options.dataDir)
  const cluster = await ensureCluster(dataDir, await findBinaries(), options.log)
  for (let attempt = 1; ; attempt += 1) {
    const server = await reachServer(cluster, options.atOnce)
    try {
      return await settle(cluster, server, { ...options, dataDir })
    } catch (error) {
      await server.client.end().catch(() => undefined)
      // The owner may stop the server just as we join it.
      if (attempt < 3 && isLostConnection(error)) continue
      throw error
    }
  }
}

async function settle(cluster: Cluster, server: ReachedServer, options: EmbeddedOptions) {
  const { services, log, atOnce } = options
  const { client, url, pid, port } = server
  const owned = await claimServer(client, options.ownership === 'join-or-own', options.dataDir)
  const claim = owned ? keepClaim(client, url, log) : undefined
  const abandon = () => shutDownAtOnce(pid)
  if (claim) atOnce?.addEventListener('abort', abandon)
  const close = async () => {
    claim?.expectLoss()
    if (claim) await stopProcess(cluster, pid, log)
    atOnce?.removeEventListener('abort', abandon)
    await claim?.close()
  }
  try {
    await makeDatabases(client, services, cluster.password)
  } catch (error) {
    await close()
    throw error
  }
  if (!claim) await client.end()
  log.debug({ pid, port, owned }, 'the built-in PostgreSQL is ready')
  let stopping: Promise<void> | undefined
  return {
    /** URL of the superuser, on the database `postgres`: for backups and tests. */
    adminUrl: url,
    /** True when this process owns the server and will stop it. */
    owned,
    /** URL of one service's database, with its own role. */
    url(service: string): string {
      if (!services.includes(service)) throw new Error(`the built-in PostgreSQL was not asked for "${service}"`)
      return `postgresql://${service}:${passwordOf(service, cluster.password)}@127.0.0.1:${port}/${service}`
    },
    /** The owner stops the server and waits until it has; a process that joined leaves it running. */
    stop(): Promise<void> {
      stopping ??= close()
      return stopping
    },
  }
}

function isLostConnection(error: unknown): boolean {
  if (error instanceof StartError) return false
  if (error instanceof pg.DatabaseError) return error.code?.startsWith('57P') === true
  return /Connection terminated|ECONNRESET|ECONNREFUSED|EPIPE|not queryable/.test(messageOf(error))
}
