import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  asShown,
  type BlockResult,
  inTerminal,
  made,
  preparedDataFolder,
  readDocument,
  runBlocks,
  type ShownFile,
} from './support/documents.ts'
import { freePorts, testEnvironment } from './support/processes.ts'
import { copyOfTheTree } from './support/tree-copy.ts'

/** `docs/adding-a-contract.md`, done as it says in a copy of the tree. */
const guide = await readDocument('docs/adding-a-contract.md')
const [checks, start, ...calls] = guide.blocks

async function write(folder: string, { path, below, content }: ShownFile): Promise<void> {
  const file = join(folder, path)
  await mkdir(dirname(file), { recursive: true })
  const text = below === undefined ? content : await readFile(file, 'utf8')
  if (below !== undefined) expect(text.split(`\n${below}\n`), path).toHaveLength(2)
  // `wx`: a file that is shown in full is a new one.
  if (below === undefined) await writeFile(file, text, { flag: 'wx' })
  else await writeFile(file, text.replace(`\n${below}\n`, `\n${below}\n${content}`))
}

const cleanUps: (() => Promise<void>)[] = []
const later = (clean: () => Promise<void>) => void cleanUps.unshift(clean)
let copy: Awaited<ReturnType<typeof copyOfTheTree>>

beforeAll(async () => {
  copy = await copyOfTheTree(later)
  for (const file of guide.files) await write(copy.folder, file)
})
afterAll(async () => {
  for (const clean of cleanUps) await clean()
})

test('a contract that is written as the guide says passes the checks and the tests', { timeout: 300_000 }, async () => {
  const { folder: cwd, env } = copy
  const { code, results } = await runBlocks([checks!], { env, edit: made, cwd })
  const [{ stdout, stderr } = { stdout: '', stderr: '' }] = results
  expect(code, `${stdout}${stderr}`).toBe(0)
  for (const name of ['promises', 'env-example', 'openapi-documents', 'athenaeum/readers', 'together/all-journeys'])
    expect(stdout).toMatch(new RegExp(`✓.*${name}\\.test\\.ts`))
})

describe('it answers as the guide shows', () => {
  let results: BlockResult[] = []
  beforeAll(async () => {
    const [port] = await freePorts(1)
    const env = { ...testEnvironment, ...copy.env, GUICHET_DATA_DIR: await preparedDataFolder(later) }
    const server = inTerminal(made(start!.commands), { ...env, PORT: String(port) }, copy.folder)
    later(server.stop)
    await server.says(/Guichet is ready: athenaeum/)
    const edit = (commands: string) => commands.replaceAll('localhost:3005', `127.0.0.1:${port}`)
    ;({ results } = await runBlocks(calls, { env, edit }))
  }, 120_000)

  test.each(calls.map((block, index) => ({ ...block, index })))('line $line: $commands', ({ answer, index }) => {
    const result = results[index]
    if (!result || !answer) throw new Error('it did not run, or the guide shows no answer')
    expect(result.statuses.at(-1)).toBe(answer.status)
    expect(asShown(answer.body, JSON.parse(result.stdout))).toEqual(answer.body)
  })
})
