import { Agent, request } from 'undici'
import { credentials, jsonHeaders, startServer } from './guichet.ts'
import { percentile, type Result } from './result.ts'

const seconds = 10
const offeredPerSecond = 500
const loginsInFlight = 4
const barMs = 25

/** Token checks offered at a fixed rate, whatever the answers take, while sign-ins keep every core busy. */
export async function measureVerifyBesideLogins(): Promise<Result[]> {
  const server = await startServer()
  const agent = new Agent({ connections: 64 })
  const post = async (path: string, body: string) => {
    const answer = await request(`${server.url}${path}`, {
      method: 'POST',
      headers: jsonHeaders,
      body,
      dispatcher: agent,
    })
    await answer.body.dump()
    return answer.statusCode
  }
  const check = JSON.stringify({ token: server.token })
  const end = performance.now() + seconds * 1000
  try {
    let logins = 0
    const signIns = Array.from({ length: loginsInFlight }, async () => {
      while (performance.now() < end) if ((await post('/auth/login', credentials)) === 200) logins += 1
    })
    const latencies: number[] = []
    const checks: Promise<void>[] = []
    const start = performance.now()
    for (let sent = 0; performance.now() < end; ) {
      // An open loop: what is due is sent, also when earlier answers are late, and timed from when it was due.
      const due = Math.floor(((performance.now() - start) / 1000) * offeredPerSecond)
      for (; sent < due; sent += 1) {
        const dueAt = start + (sent / offeredPerSecond) * 1000
        const checked = post('/auth/verify', check).then(
          (status) => {
            if (status === 200) latencies.push(performance.now() - dueAt)
          },
          () => undefined,
        )
        checks.push(checked)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all([...checks, ...signIns])
    const lost = checks.length - latencies.length
    const p99 = percentile(latencies, 0.99)
    const p50 = percentile(latencies, 0.5)
    return [
      {
        what: `${offeredPerSecond} verify/s beside ${loginsInFlight} sign-ins in flight`,
        measured: `p99 ${p99.toFixed(1)} ms, p50 ${p50.toFixed(1)} ms, ${lost} lost of ${checks.length}, ${(logins / seconds).toFixed(0)} sign-ins/s`,
        bar: `p99 < ${barMs} ms, none lost`,
        met: p99 < barMs && lost === 0,
      },
    ]
  } finally {
    await agent.close()
    await server.stop()
  }
}
