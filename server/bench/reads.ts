import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { jsonHeaders, startServer } from './guichet.ts'
import { requestsPerSecond } from './load.ts'
import { median, type Result } from './result.ts'

const rounds = 5
const seconds = 4
const connections = 16
const bar = 0.6

/** Reads through the whole stack against a bare Fastify route that answers the same body, in turns. */
export async function measureReads(): Promise<Result[]> {
  const server = await startServer()
  const headers = { authorization: `Bearer ${server.token}` }
  try {
    for (let order = 0; order < 5; order += 1) {
      const body = JSON.stringify({ items: [{ product_id: (order % 5) + 1, quantity: 1 }] })
      await fetch(`${server.url}/orders`, { method: 'POST', headers: { ...headers, ...jsonHeaders }, body })
    }
    return [
      await compare('GET /products', `${server.url}/products`, {}, bar),
      await compare('GET /orders with a token', `${server.url}/orders`, headers, bar),
    ]
  } finally {
    await server.stop()
  }
}

/**
 * One route against a bare one that answers the same body.
 * @param least how many times as fast it has to be; undefined for a figure that is only shown
 */
export async function compare(
  what: string,
  url: string,
  headers: Record<string, string>,
  least: number | undefined,
): Promise<Result> {
  const body = await (await fetch(url, { headers })).text()
  const bare = fork(join(import.meta.dirname, 'bare-fastify.ts'), [body], { stdio: 'inherit' })
  try {
    const [bareUrl] = (await once(bare, 'message')) as [string]
    await requestsPerSecond({ url, headers, connections, seconds: 2 })
    // The bare route gets the very same request, token and all, and does not look at it.
    await requestsPerSecond({ url: bareUrl, headers, connections, seconds: 2 })
    const pairs: { ours: number; bare: number }[] = []
    for (let round = 0; round < rounds; round += 1) {
      const ours = await requestsPerSecond({ url, headers, connections, seconds })
      pairs.push({ ours, bare: await requestsPerSecond({ url: bareUrl, headers, connections, seconds }) })
    }
    const ratio = median(pairs.map((pair) => pair.ours / pair.bare))
    const rates = `${median(pairs.map((pair) => pair.ours)).toFixed(0)}/s against ${median(pairs.map((pair) => pair.bare)).toFixed(0)}/s`
    return {
      what: `${what} against a bare Fastify route`,
      measured: `${ratio.toFixed(2)} x  (${rates})`,
      ...(least !== undefined && { bar: `>= ${least} x` }),
      met: least === undefined || ratio >= least,
    }
  } finally {
    bare.kill('SIGKILL')
  }
}
