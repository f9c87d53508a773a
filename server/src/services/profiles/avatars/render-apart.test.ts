import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noise, pngBomb, red, stripes, svgWithScript, zeroPng } from '../../../../tests/support/images.ts'
import { DomainError } from '../../../platform/errors.ts'
import { renderApart } from './render-apart.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guichet-images-'))
})
afterAll(() => rm(folder, { recursive: true }))

const saved = async (name: string, bytes: Buffer): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}
const { signal } = new AbortController()

test('an avatar comes back from the other process', async () => {
  const avatar = await renderApart(await saved('whole', await stripes(40, 40, [red]).png().toBuffer()), signal)
  const path = await saved('avatar', Buffer.from(avatar))
  expect(await sharp(path).metadata()).toMatchObject({ format: 'jpeg', width: 300, height: 300 })
})

test.each([
  ['profiles.not_an_image', svgWithScript],
  ['profiles.image_too_large', await zeroPng({ width: 30_000, height: 30_000, rows: 1 })],
  ['profiles.image_damaged', (await noise(50, 50).jpeg().toBuffer()).subarray(0, 1_000)],
])('so does the refusal %s', async (code, bytes) => {
  await expect(renderApart(await saved(code, bytes), signal)).rejects.toMatchObject({ code, name: 'DomainError' })
})

test('a fault of ours is no refusal, and says what it is', async () => {
  const failing = renderApart(join(folder, 'missing'), signal)
  await expect(failing).rejects.not.toBeInstanceOf(DomainError)
  await expect(failing).rejects.toThrow('Input file is missing')
})

test('a stop ends what is worked on', async () => {
  const path = await saved('long', await zeroPng({ width: 7_000, height: 7_000, colour: 'rgba', depth: 16 }))
  const stopping = new AbortController()
  const start = performance.now()
  const failing = renderApart(path, stopping.signal)
  setTimeout(() => stopping.abort(), 50)
  await expect(failing).rejects.toMatchObject({ code: 'profiles.busy' })
  expect(performance.now() - start).toBeLessThan(1_000)
  await expect(renderApart(path, stopping.signal)).rejects.toMatchObject({ code: 'profiles.busy' })
})

/** Runs a program in a process of its own and gives the JSON that it prints. */
async function child(program: string, env: Record<string, string> = {}): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    timeout: 120_000,
    env: { ...process.env, ...env },
  })
  return JSON.parse(stdout)
}

test('the service does not load the library, which takes memory', async () => {
  const loaded = await child(`
    await import('${import.meta.dirname}/../index.ts')
    const { sharedObjects } = process.report.getReport()
    console.log(JSON.stringify(sharedObjects.filter((one) => /sharp|vips/.test(one))))
    process.exit()`)
  expect(loaded).toEqual([])
})

test('memory stays flat whatever is sent, again and again, and nothing is left on disk', {
  timeout: 180_000,
}, async () => {
  const bombs = await mkdtemp(join(folder, 'bombs-'))
  const temporary = await mkdtemp(join(folder, 'temporary-'))
  const files = {
    bomb: await pngBomb(),
    liar: await zeroPng({ width: 30_000, height: 30_000, colour: 'rgba', rows: 3 }),
    rows: await zeroPng({ width: 7_000, height: 7_000, colour: 'rgba' }),
    interlaced: await zeroPng({ width: 4_900, height: 4_900, colour: 'rgba', interlaced: true }),
    cut: (await noise(600, 600).jpeg().toBuffer()).subarray(0, 50_000),
    svg: svgWithScript,
  }
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(bombs, name), bytes)
  const measured = (await child(
    `
    const { renderApart } = await import('${import.meta.dirname}/render-apart.ts')
    const { signal } = new AbortController()
    const mebibytes = () => process.memoryUsage().rss / 1_048_576
    const names = ${JSON.stringify(Object.keys(files))}
    const round = async () => {
      for (const name of names) await renderApart('${bombs}/' + name, signal).catch(() => undefined)
      return mebibytes()
    }
    const rounds = []
    for (let turn = 0; turn < 6; turn += 1) rounds.push(await round())
    console.log(JSON.stringify(rounds))`,
    { TMPDIR: temporary },
  )) as number[]
  expect(Math.max(...measured) - measured[0]!, JSON.stringify(measured)).toBeLessThan(15)
  expect((await readdir(bombs)).sort()).toEqual(Object.keys(files).sort())
  expect(await readdir(temporary)).toEqual([])
})
