import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { repository } from './support/processes.ts'

/** The launcher in a tree of its own, whose command line says which Node runs it, and what it was given. */
async function launcherIn({ installed = false, packages = false }) {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-launcher-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'server', 'src'), { recursive: true })
  await copyFile(join(repository, 'server', 'guichet.cjs'), join(folder, 'server', 'guichet.cjs'))
  const main = `${packages ? '' : "import 'fastify'\n"}const words: string[] = process.argv.slice(2)
process.stdout.write(\`\${process.version} \${words.join(' ')}\\n\`)
if (words.includes('wait')) process.on('SIGTERM', () => process.exit(7)).on('SIGINT', () => process.exit(8)), setInterval(() => {}, 1000)
else process.exitCode = 5
`
  await writeFile(join(folder, 'server', 'src', 'main.ts'), main)
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  // What an older Node says of itself; it is not passed on to the one that is installed.
  const older = join(folder, 'older.cjs')
  await writeFile(
    older,
    `const versions = Object.assign({}, process.versions, { node: '18.20.1' })
Object.defineProperty(process, 'versions', { value: versions })
Object.defineProperty(process, 'version', { value: 'v18.20.1' })`,
  )
  if (installed) {
    await mkdir(join(folder, 'node_modules', 'node', 'bin'), { recursive: true })
    await symlink(process.execPath, join(folder, 'node_modules', 'node', 'bin', 'node'))
  }
  const launch = (words: readonly string[], options: readonly string[] = []) => {
    const child = spawn(process.execPath, [...options, join(folder, 'server', 'guichet.cjs'), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = { out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text
    })
    const ended = (once(child, 'close') as Promise<[number | null]>).then(([code]) => ({ code, ...said }))
    return { child, said, ended }
  }
  return { folder, launch, older: ['--require', older] }
}

const here = process.version

test('the launcher runs the command line in the same process where Node is new enough', async () => {
  const { launch } = await launcherIn({ packages: true })
  expect(await launch(['start', 'shop']).ended).toEqual({ code: 5, out: `${here} start shop\n`, err: '' })
})

test('under an older Node it runs it by the one that is installed, with its words and its exit code', async () => {
  const { launch, older } = await launcherIn({ installed: true, packages: true })
  const ended = await launch(['start', 'shop'], older).ended
  expect(ended).toEqual({ code: 5, out: `${here} start shop\n`, err: '' })
})

test.each([
  ['SIGTERM', 7],
  ['SIGINT', 8],
] as const)('under an older Node it passes %s on and waits for the end', async (signal, code) => {
  const { launch, older } = await launcherIn({ installed: true, packages: true })
  const { child, said, ended } = launch(['wait'], older)
  await expect.poll(() => said.out, { timeout: 15_000 }).toContain('wait')
  child.kill(signal)
  expect((await ended).code).toBe(code)
})

test('under an older Node with none installed it says in one sentence what is wrong and what to do', async () => {
  const { folder, launch, older } = await launcherIn({})
  expect(await launch(['start'], older).ended).toEqual({
    code: 1,
    out: '',
    err: `Guichet needs Node.js 24 or newer and was started by v18.20.1: run \`npm ci --omit=dev\` in ${folder}, which installs it beside the other packages.\n`,
  })
})

test('without the packages it says how they are installed', async () => {
  const { folder, launch } = await launcherIn({})
  expect(await launch(['start']).ended).toEqual({
    code: 1,
    out: '',
    err: `The packages of Guichet are not installed: run \`npm ci --omit=dev\` in ${folder}.\n`,
  })
})

test('the launcher is written in what old Nodes understand, and is what npm and the package start', async () => {
  const text = await readFile(join(repository, 'server', 'guichet.cjs'), 'utf8')
  // Newer than Node 14.18, or not in a script of CommonJS.
  expect(text).not.toMatch(/\?\?=|\|\|=|&&=|\bstatic \{|import\.meta|^\s*await\b|\.at\(|replaceAll|structuredClone/m)
  const manifest = async (name: string) => JSON.parse(await readFile(join(repository, name), 'utf8'))
  expect((await manifest('package.json')).scripts.guichet).toBe('node server/guichet.cjs')
  expect((await manifest('server/package.json')).bin.guichet).toBe('./guichet.cjs')
  expect((await manifest('package.json')).dependencies.node).toMatch(/^\^24\./)
})
