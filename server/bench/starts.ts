import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { freePorts, startProcess, testEnvironment } from '../tests/support/processes.ts'
import { productionCost } from './guichet.ts'
import { median, type Result } from './result.ts'

const rounds = 3
const settleMs = 5_000

/** From the start of the process to its first answered request, on an empty folder and on a used one; then the memory it holds at rest. */
export async function measureStarts(): Promise<Result[]> {
  const first: number[] = []
  const again: number[] = []
  let idleMib = 0
  for (let round = 0; round < rounds; round += 1) {
    const dataDir = await mkdtemp(join(tmpdir(), 'guichet-bench-'))
    try {
      first.push(await timeStart(dataDir))
      again.push(
        await timeStart(dataDir, async (pid) => {
          if (round < rounds - 1) return
          await rest(settleMs)
          idleMib = await residentMib(pid)
        }),
      )
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  }
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
  return [
    {
      what: 'first start ever, to the first request',
      measured: seconds(median(first)),
      bar: '< 5 s',
      met: median(first) < 5_000,
    },
    {
      what: 'start on used data, to the first request',
      measured: seconds(median(again)),
      bar: '< 2 s',
      met: median(again) < 2_000,
    },
    {
      what: 'memory at rest, all in one process (Node)',
      measured: `${idleMib.toFixed(0)} MB`,
      bar: '< 180 MB',
      met: idleMib < 180,
    },
  ]
}

async function timeStart(dataDir: string, whileRunning?: (pid: number) => Promise<void>): Promise<number> {
  const [port] = await freePorts(1)
  const environment = { ...testEnvironment, ...productionCost, GUICHET_DATA_DIR: dataDir, PORT: String(port) }
  const begin = performance.now()
  const server = await startProcess(['start'], environment)
  await (await fetch(`http://127.0.0.1:${port}/products`)).arrayBuffer()
  const took = performance.now() - begin
  try {
    if (server.child.pid !== undefined) await whileRunning?.(server.child.pid)
  } finally {
    await server.stop()
  }
  return took
}

/** Resident memory in MB (10^6 bytes), as the kernel counts it. */
async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6
}
