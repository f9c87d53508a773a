import type { FastifyReply, FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import type { Contract, Route } from '../../contracts/_kit/contract.ts'
import { createDeviceCookies } from '../../contracts/_kit/cookies.ts'
import { hmac } from '../../platform/secrets.ts'
import { createEdge } from './index.ts'

const devices = createDeviceCookies(Buffer.alloc(32), { secure: true })
const cookieOf = (device: string) => devices.keep(device).split(';', 1)[0] ?? ''

/** Whom a request that tries a name is counted against. */
async function countedAs(name: string, cookie?: string): Promise<string[]> {
  const counted: string[] = []
  const edge = createEdge({
    verifierOf: () => {
      throw new Error('no token is checked here')
    },
    limiter: {
      count: async ({ who }) => void counted.push(who),
      giveBack: async () => undefined,
      check: async () => undefined,
    },
    allowsOrigin: undefined,
    addressOf: () => '192.0.2.7',
    devices,
    requestDigest: (text) => hmac(Buffer.alloc(32, 7), text),
    serviceToken: 'unused',
    config: { instanceId: 'test' },
  })
  const route = { limitBy: ({ username }: { username: string }) => username } as unknown as Route
  const request = { body: { username: name }, headers: { cookie } } as unknown as FastifyRequest
  for (const hook of edge.afterBody({} as Contract, route)) {
    await Reflect.apply(hook, undefined, [request, {} as FastifyReply])
  }
  return counted
}

test('the tries of a name are counted for each device of ours and once for all unknown ones', async () => {
  const [one, other] = [cookieOf(devices.newDevice()), cookieOf(devices.newDevice())]
  const stranger = await countedAs('ada')
  expect(stranger).toHaveLength(1)
  expect(await countedAs(' ADA ', 'guichet_device=forged.signature')).toEqual(stranger)
  expect(await countedAs('ada', one)).toEqual(await countedAs('ada', one))
  const all = [stranger, await countedAs('ada', one), await countedAs('ada', other)].flat()
  expect(new Set(all).size).toBe(3)
})
