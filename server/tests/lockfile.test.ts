import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { repository } from './support/processes.ts'

test('S-18 a fresh clone installs from the lock file alone', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-install-'))
  try {
    await mkdir(join(folder, 'server'))
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'server/package.json']) {
      await cp(join(repository, file), join(folder, file))
    }
    // Says what `npm ci` would do, and fails where it would: on a lock file that does not hold what the manifests ask for.
    const { stdout } = await promisify(execFile)('npm', ['ci', '--dry-run', '--no-audit', '--no-fund'], { cwd: folder })
    expect(stdout).toMatch(/added \d+ packages|up to date|add /)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
