import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { developmentSecret } from './dev-secret.ts'

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-secret-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('all who start on a data folder have one secret, also later; another folder has another', async () => {
  const folder = await newFolder()
  const [one, other] = [join(folder, 'not', 'there yet'), join(folder, 'other')]
  const atOnce = await Promise.all([developmentSecret(one), developmentSecret(one), developmentSecret(one)])
  const all = new Set([...atOnce, await developmentSecret(one)])
  expect(all.size).toBe(1)
  expect(all).not.toContain(await developmentSecret(other))
  expect((await stat(join(one, 'secret'))).mode & 0o777).toBe(0o600)
})

test('a file is taken from 32 characters on, without what is around them', async () => {
  const folder = await newFolder()
  const file = join(folder, 'secret')
  await writeFile(file, `${' '.repeat(31)}${'x'.repeat(31)}\n`)
  await expect(developmentSecret(folder)).rejects.toThrow(`${file} holds no secret: delete it and start again`)
  await writeFile(file, `${'x'.repeat(32)}\n`)
  expect(await developmentSecret(folder)).toBe('x'.repeat(32))
})
