import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { removeDataDir } from '../fault/postmaster.ts'
import { eventually } from '../support/eventually.ts'
import { preparedDataDir } from '../support/prepared-data.ts'
import { freePorts, startProcess, testEnvironment } from '../support/processes.ts'

/** A GET as it is sent for a host that no resolver knows. */
const get = (base: string, path: string, host: string) =>
  new Promise<void>((resolve, reject) => {
    request(`${base}${path}`, { headers: { host } }, (answer) => answer.resume().on('end', resolve))
      .on('error', reject)
      .end()
  })

test('every line names unit and instance, that of a request contract and host', { timeout: 60_000 }, async () => {
  const dataDir = await preparedDataDir('guichet-log-lines')
  onTestFinished(() => removeDataDir(dataDir))
  const [port = 0] = await freePorts(1)
  const guichet = await startProcess(['start'], {
    ...testEnvironment,
    LOG_LEVEL: 'debug',
    GUICHET_INSTANCE_ID: 'blue',
    GUICHET_DATA_DIR: dataDir,
    PORT: `${port}`,
  })
  onTestFinished(() => guichet.kill())
  const base = `http://127.0.0.1:${port}`
  await get(base, '/products', `127.0.0.1:${port}`)
  await get(base, '/api/v1/me', `127.0.0.1:${port}`)
  await get(base, '/health', `tenants.localhost:${port}`)
  await get(base, '/nowhere', 'portal.localhost')
  const lines = () =>
    guichet
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  const requests = () => lines().filter(({ msg }) => msg === 'request')
  await eventually(
    async () => requests(),
    (seen) => expect(seen).toHaveLength(4),
  )
  expect(requests().map(({ path, contract, host }) => [path, contract, host])).toEqual([
    ['/products', 'shop', '127.0.0.1'],
    ['/api/v1/me', 'clients', '127.0.0.1'],
    ['/health', 'tenants', 'tenants.localhost'],
    ['/nowhere', 'portal', 'portal.localhost'],
  ])
  expect(new Set(requests().map(({ unit, instance }) => `${unit} ${instance}`))).toEqual(new Set(['gateway blue']))
  const others = lines().filter(({ msg }) => msg !== 'request')
  // The process has its name, and its one listener another.
  expect(new Set(others.map(({ unit, instance }) => `${unit} ${instance}`))).toEqual(
    new Set(['all blue', 'gateway blue']),
  )
})
