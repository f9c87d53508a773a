import { expect, onTestFinished, test } from 'vitest'
import { call } from '../fault/calls.ts'
import { removeDataDir } from '../fault/postmaster.ts'
import { preparedDataDir } from '../support/prepared-data.ts'
import { freePorts, startProcess, testEnvironment } from '../support/processes.ts'

test('how far each consumer of events is behind is a metric', { timeout: 60_000 }, async () => {
  const dataDir = await preparedDataDir('guichet-lag')
  onTestFinished(() => removeDataDir(dataDir))
  const [port] = await freePorts(1)
  const guichet = await startProcess(['start'], { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: `${port}` })
  onTestFinished(() => guichet.kill())
  const { text } = await call(`http://127.0.0.1:${port}`, 'GET', '/metrics')
  for (const consumer of ['profiles', 'orders']) {
    expect(text).toMatch(
      new RegExp(`^guichet_events_lag_seconds\\{service="identity",consumer="${consumer}"\\} \\d`, 'm'),
    )
  }
})
