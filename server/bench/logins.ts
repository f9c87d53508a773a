import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { credentials, jsonHeaders, startServer } from './guichet.ts'
import { requestsPerSecond } from './load.ts'
import { median, type Result } from './result.ts'

const rounds = 3
const seconds = 5
const bar = 0.85

/** Password sign-ins against the raw rate of the same argon2id parameters on the same cores, in turns. */
export async function measureLogins(): Promise<Result[]> {
  const server = await startServer()
  const load = { url: `${server.url}/auth/login`, method: 'POST', headers: jsonHeaders, body: credentials } as const
  try {
    await requestsPerSecond({ ...load, seconds: 1, connections: 4 })
    const pairs: { raw: number; logins: number }[] = []
    for (let round = 0; round < rounds; round += 1) {
      const raw = await rawHashesPerSecond()
      pairs.push({ raw, logins: await requestsPerSecond({ ...load, seconds, connections: 16 }) })
    }
    const ratio = median(pairs.map(({ raw, logins }) => logins / raw))
    const logins = median(pairs.map((pair) => pair.logins))
    const raw = median(pairs.map((pair) => pair.raw))
    return [
      {
        what: 'sign-ins against the raw argon2id rate',
        measured: `${ratio.toFixed(2)} x  (${logins.toFixed(1)}/s against ${raw.toFixed(1)}/s)`,
        bar: `>= ${bar} x`,
        met: ratio >= bar,
      },
    ]
  } finally {
    await server.stop()
  }
}

/** As many verifications at a time as there are cores, and nothing else. */
async function rawHashesPerSecond(): Promise<number> {
  const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
  const stored = await hash('admin', parameters)
  const start = performance.now()
  let done = 0
  const worker = async () => {
    while (performance.now() - start < seconds * 1000) {
      await verify(stored, 'admin')
      done += 1
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return done / ((performance.now() - start) / 1000)
}
