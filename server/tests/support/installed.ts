import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** What `find` gives; where it gives nothing, root gets the package from Debian first. */
export async function findOrInstall(
  find: () => Promise<string | undefined>,
  name: string,
): Promise<string | undefined> {
  const found = await find()
  if (found || process.getuid?.() !== 0 || !(await onPath('apt-get'))) return found
  const apt = (...words: string[]) =>
    promisify(execFile)('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...words], {
      timeout: 150_000,
      // Runlevel 1: the package does not start a server of its own.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    })
  const install = () => apt('install', '-y', '--no-install-recommends', name)
  await install().catch(async () => {
    await apt('update')
    await install()
  })
  return find()
}

/** Where a program is that the shell would find. */
export async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  return undefined
}
