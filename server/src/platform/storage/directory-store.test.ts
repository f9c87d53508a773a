import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { objectStoreConformance } from '../testing/object-store.conformance.ts'
import { createDirectoryStore } from './directory-store.ts'

const key = '0123456789abcdef0123456789abcdef'

objectStoreConformance('a directory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-objects-'))
  const root = join(folder, 'objects')
  return {
    store: createDirectoryStore(root),
    again: () => createDirectoryStore(root),
    async goAway() {
      await rename(root, `${root}-away`)
      await writeFile(root, 'no directory')
    },
    async comeBack() {
      await rm(root)
      await rename(`${root}-away`, root)
    },
    close: () => rm(folder, { recursive: true }),
  }
})

describe('a directory', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guichet-objects-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const filesIn = async (root: string) => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  }

  test('objects lie two folders deep, for their owner only, and nothing lies beside them', async () => {
    const root = join(folder, 'deep')
    await createDirectoryStore(root).put(key, Buffer.from('a picture'), 'image/jpeg')
    expect(await filesIn(root)).toEqual([join(root, '01', '23', key)])
    expect((await stat(join(root, '01', '23', key))).mode & 0o777).toBe(0o600)
    expect((await stat(root)).mode & 0o777).toBe(0o700)
  })

  test('a put that fails leaves nothing', async () => {
    const root = join(folder, 'failing')
    await mkdir(join(root, '01'), { recursive: true })
    await writeFile(join(root, '01', '23'), 'in the way')
    const put = createDirectoryStore(root).put(key, Buffer.from('a picture'), 'image/jpeg')
    await expect(put).rejects.toMatchObject({ code: 'edge.unavailable' })
    expect(await filesIn(root)).toEqual([join(root, '01', '23')])
  })

  test('what a killed process left unfinished goes after an hour, what is being written stays', async () => {
    const root = join(folder, 'left')
    const left = ['old', 'new'].map((name) => join(root, 'incoming', name))
    await mkdir(join(root, 'incoming'), { recursive: true })
    for (const path of left) await writeFile(path, 'half a pic')
    const longAgo = new Date(Date.now() - 2 * 3_600_000)
    await utimes(left[0]!, longAgo, longAgo)
    await createDirectoryStore(root).put(key, Buffer.from('a picture'), 'image/jpeg')
    expect((await filesIn(root)).sort()).toEqual([join(root, '01', '23', key), left[1]])
  })
})
