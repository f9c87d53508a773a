import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type GuichetProcess, startProcess, testEnvironment } from '../tests/support/processes.ts'

/** A server with production's password cost, without limits, on a data folder of its own. */
export interface BenchServer {
  process: GuichetProcess
  url: string
  dataDir: string
  token: string
  stop(): Promise<void>
}

export const productionCost = { GUICHET_ARGON2_MEMORY_KIB: '19456', GUICHET_ARGON2_PASSES: '2' } as const

export async function startServer(): Promise<BenchServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'guichet-bench-'))
  const [port] = await freePorts(1)
  const environment = { ...testEnvironment, ...productionCost, GUICHET_DATA_DIR: dataDir, PORT: String(port) }
  const process = await startProcess(['start'], environment)
  const url = `http://127.0.0.1:${port}`
  const login = await fetch(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: credentials,
  })
  const { data } = (await login.json()) as { data: { access_token: string } }
  return {
    process,
    url,
    dataDir,
    token: data.access_token,
    async stop() {
      await process.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export const credentials = JSON.stringify({ username: 'admin', password: 'admin' })
export const jsonHeaders = { 'content-type': 'application/json' } as const
