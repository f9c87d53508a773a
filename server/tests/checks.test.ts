import { type ExecFileException, execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { repository } from './support/processes.ts'

/** A small tree with the settings of this one, which what is planted is the only fault of. */
async function treeWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-checks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const write = async (path: string, text: string) => {
    await mkdir(join(folder, dirname(path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const { vcs: _vcs, ...biome } = JSON.parse(await readFile(join(repository, 'biome.json'), 'utf8')) as { vcs: object }
  await write('biome.json', JSON.stringify(biome))
  for (const name of ['knip.json', 'tsconfig.json']) await copyFile(join(repository, name), join(folder, name))
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'))
  await write('package.json', '{ "name": "root", "type": "module", "workspaces": ["server"] }')
  await write('server/package.json', '{ "name": "server", "type": "module", "main": "src/main.ts" }')
  await write('server/src/main.ts', "import { a } from './a.ts'\n\nprocess.stdout.write(a)\n")
  await write('server/src/a.ts', "export const a = 'a'\n")
  for (const [path, text] of Object.entries(files)) await write(path, text)
  return folder
}

const commands = {
  biome: ['check', 'server/src'],
  tsc: ['--project', 'tsconfig.json'],
  knip: ['--no-progress', '--no-config-hints'],
} as const

/** What a check says of a tree; nothing when it is content. */
const findings = (check: keyof typeof commands, folder: string): Promise<string> =>
  new Promise((resolve) => {
    const program = join(repository, 'node_modules', '.bin', check)
    execFile(program, [...commands[check]], { cwd: folder }, (error: ExecFileException | null, out, err) =>
      resolve(error ? `${out}${err}` : ''),
    )
  })

test('every check is content with the tree that the faults are planted in', { timeout: 60_000 }, async () => {
  const folder = await treeWith({})
  for (const check of Object.keys(commands) as (keyof typeof commands)[]) expect(await findings(check, folder)).toBe('')
})

test.each<[keyof typeof commands, string, string, string]>([
  ['biome', 'any', 'noExplicitAny', 'export const a: any = 1\n'],
  ['biome', 'an assertion that there is something', 'noNonNullAssertion', 'export const a = [1][0]!\n'],
  ['biome', 'a message past the log', 'noConsole', "export const a = 'a'\nconsole.log(a)\n"],
  ['biome', 'another form', 'Formatter would have printed', 'export const a = "a";\n'],
  ['tsc', 'an index that may be out of range', 'TS2322', 'const all: string[] = []\nexport const a: string = all[0]\n'],
  ['tsc', 'an optional field set to undefined', 'TS2375', 'export const a: { b?: string } = { b: undefined }\n'],
  ['tsc', 'what Node cannot strip', 'TS1294', 'export enum a {\n  b,\n}\n'],
  ['knip', 'an export that nobody imports', 'unused', "export const a = 'a'\nexport const unused = 'b'\n"],
  ['knip', 'a package that is in no manifest', 'pino', "import pino from 'pino'\n\nexport const a = String(pino)\n"],
])('%s finds %s', { timeout: 60_000 }, async (check, _what, says, planted) => {
  expect(await findings(check, await treeWith({ 'server/src/a.ts': planted }))).toContain(says)
})

test('knip finds a file that nobody imports', { timeout: 60_000 }, async () => {
  expect(await findings('knip', await treeWith({ 'server/src/b.ts': 'export {}\n' }))).toContain('server/src/b.ts')
})
