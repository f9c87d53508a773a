import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from './errors.ts'
import { newSecret } from './ids.ts'

/** The master secret of development: made once, kept in the data folder for its owner only, shared by all processes on it. */
export async function developmentSecret(dataDir: string): Promise<string> {
  const file = join(dataDir, 'secret')
  await mkdir(dataDir, { recursive: true })
  // `wx`: of two processes that start at once, one writes and both read the same.
  await writeFile(file, newSecret(48), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const secret = (await readFile(file, 'utf8')).trim()
  if (secret.length < 32) throw new StartError(`${file} holds no secret: delete it and start again.`)
  return secret
}
