import { expect, onTestFinished, test } from 'vitest'
import { preparedDataDir } from '../../support/prepared-data.ts'
import { freePorts, startProcess, testEnvironment } from '../../support/processes.ts'
import { call, eventually } from '../calls.ts'
import { removeDataDir } from '../postmaster.ts'

test('H-56 the user service says by its health that its INTERNAL_SERVICE_TOKEN differs from that of the auth service', {
  timeout: 90_000,
}, async () => {
  const dataDir = await preparedDataDir('guichet-tokens')
  onTestFinished(() => removeDataDir(dataDir))
  const [auth, users] = await freePorts(2)
  const urls = { auth: `http://127.0.0.1:${auth}`, users: `http://127.0.0.1:${users}` }
  const start = async (unit: string, port: number | undefined, token: string) => {
    const started = await startProcess(['start', `helpdesk/${unit}`], {
      ...testEnvironment,
      GUICHET_DATA_DIR: dataDir,
      PORT: `${port}`,
      AUTH_SERVICE_URL: urls.auth,
      INTERNAL_SERVICE_TOKEN: token.repeat(40),
    })
    onTestFinished(() => started.kill())
    return started
  }
  const health = () => call(urls.users, 'GET', '/health')
  await start('auth-service', auth, 'a')
  const other = await start('user-service', users, 'b')
  await eventually(10_000, async () => {
    const { status, body } = await health()
    expect({ status, body }).toMatchObject({ status: 503, body: { dependencies: { authService: 'disconnected' } } })
  })
  expect((await call(urls.auth, 'GET', '/health')).status, 'the auth service itself is well').toBe(200)
  await other.stop()

  await start('user-service', users, 'a')
  await eventually(10_000, async () => {
    const { status, body } = await health()
    expect({ status, body }).toMatchObject({ status: 200, body: { dependencies: { authService: 'connected' } } })
  })
})
