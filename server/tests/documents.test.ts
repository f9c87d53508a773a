import { access, readdir, readFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { commands } from '../src/commands/declarations/index.ts'
import { contractNames, contracts } from '../src/contracts/registry.ts'
import { shop } from '../src/contracts/shop/index.ts'
import {
  asShown,
  type BlockResult,
  commandsOf,
  dataFolder,
  elsewhere,
  firstLine,
  inTerminal,
  made,
  preparedDataFolder,
  readDocument,
  runBlocks,
} from './support/documents.ts'
import { freePorts, type GuichetProcess, repository, startProcess, testEnvironment } from './support/processes.ts'
import { freshDatabase } from './support/test-databases.ts'
import { freshClone } from './support/tree-copy.ts'

const examples = await readDocument('EXAMPLES.md')
const readme = await readDocument('README.md')

const shopUnits = ['API_GATEWAY', 'AUTH_SERVICE', 'USER_SERVICE', 'ORDERS_SERVICE'] as const

describe('EXAMPLES.md', () => {
  let server: GuichetProcess | undefined
  let results: BlockResult[] = []
  const cleanUps: (() => Promise<void>)[] = []

  beforeAll(async () => {
    const dataDir = await preparedDataFolder((clean) => cleanUps.push(clean))
    const ports = Object.fromEntries(shopUnits.map((unit) => [`${unit}_PORT`, '0']))
    server = await startProcess(['start', 'shop'], { ...testEnvironment, GUICHET_DATA_DIR: dataDir, ...ports })
    const address = new URL(server.urls['api-gateway']!).host
    const edit = (commands: string) => commands.replaceAll('localhost:8000', address)
    ;({ results } = await runBlocks(examples.blocks, { env: testEnvironment, edit }))
  })
  afterAll(async () => {
    await server?.stop()
    for (const clean of cleanUps) await clean()
  })

  test('S-65 has calls with their answers', () => {
    expect(examples.blocks.filter(({ answer }) => answer).length).toBeGreaterThan(shop.routes.length)
  })

  test.each(examples.blocks.map((block, index) => ({ ...block, index })))('S-23 line $line: $commands', (block) => {
    const { answer, index } = block
    const result = results[index]
    if (!result) throw new Error('did not run: a command above failed')
    if (!answer) return
    // The answer belongs to the last call of the block.
    expect(result.statuses.at(-1)).toBe(answer.status)
    expect(asShown(answer.body, JSON.parse(result.stdout))).toEqual(answer.body)
  })

  const requests = shop.routes.filter(({ html }) => !html)
  const headings = requests.map(({ method, url }) => `### ${method} ${url.replace(':id', '{id}')}`)
  test.each([...headings, '### GET /health', '### GET /auth/health'])('S-65 shows %s', (heading) => {
    expect(examples.text.split('\n')).toContain(heading)
  })
})

describe('README.md', () => {
  const portVariables = (ports: readonly number[]) =>
    Object.fromEntries(shopUnits.map((unit, index) => [`${unit}_PORT`, String(ports[index])]))
  const signIn = (port: number, account: { username: string; password: string }) =>
    fetch(`http://127.0.0.1:${port}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(account),
    })
  const demo = { username: 'admin', password: 'admin' }

  test('every block has a test that runs it', async () => {
    const first = readme.blocks.map(firstLine)
    for (const [line, runBy] of Object.entries(elsewhere)) {
      expect(first.filter((one) => one === line)).toEqual([line])
      const [file = '', title = ''] = runBy.split(': ')
      expect(await readFile(join(import.meta.dirname, file), 'utf8'), runBy).toMatch(
        new RegExp(`test\\('([A-Z]-\\d\\d )*${title}`),
      )
    }
  })

  test('names every command of the command line', () => {
    const words = commands.map(({ name }) => name.split(' ')[0])
    expect(words).toContain('keys')
    for (const word of words) expect(readme.text).toContain(`\`${word}`)
  })

  test('S-54 S-55 S-56 S-57 its other commands work in their order', { timeout: 60_000 }, async () => {
    const dataDir = await preparedDataFolder(onTestFinished)
    const ports = await freePorts(4)
    const env = { ...testEnvironment, GUICHET_DATA_DIR: dataDir }
    const server = await startProcess(['start', 'shop'], { ...env, ...portVariables(ports) })
    onTestFinished(async () => void (await server.stop()))
    const edit = (commands: string) =>
      commands.replaceAll(/localhost:800([0-3])/g, (_, unit: string) => `127.0.0.1:${ports[Number(unit)]}`)

    const blocks = readme.blocks.filter((block) => !(firstLine(block) in elsewhere))
    const { code, results } = await runBlocks(blocks, { env, edit })

    expect(code, results.at(-1)?.stderr).toBe(0)
    const statuses = results.flatMap((result) => result.statuses)
    expect(statuses.length).toBeGreaterThan(8)
    expect(statuses.filter((status) => status >= 300)).toEqual([])
  })

  test('make start', { timeout: 60_000 }, async () => {
    const [port] = await freePorts(1)
    const env = { ...testEnvironment, GUICHET_DATA_DIR: await dataFolder(onTestFinished), PORT: String(port) }
    const terminal = inTerminal(made(commandsOf(readme, 'make start')), env)
    onTestFinished(terminal.stop)
    await terminal.says(/Guichet is ready: all/)
    expect((await signIn(port!, demo)).status).toBe(200)
  })

  test('make start TOPOLOGY=shop', { timeout: 60_000 }, async () => {
    const ports = await freePorts(4)
    const dataDir = await dataFolder(onTestFinished)
    const env = { ...testEnvironment, GUICHET_DATA_DIR: dataDir, ...portVariables(ports) }
    const terminal = inTerminal(made(commandsOf(readme, 'make start TOPOLOGY=shop')), env)
    onTestFinished(terminal.stop)
    await terminal.says(/Guichet is ready: shop/)
    for (const port of ports) expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
  })

  test('S-10 S-11 S-12 S-13 each service alone', { timeout: 120_000 }, async () => {
    const dataDir = await dataFolder(onTestFinished)
    const [auth, users, orders, gateway] = await freePorts(4)
    const ports = [auth, users, orders, gateway]
    const env = {
      ...testEnvironment,
      GUICHET_DEV: 'true',
      GUICHET_DATA_DIR: dataDir,
      AUTH_SERVICE_URL: `http://127.0.0.1:${auth}`,
      USER_SERVICE_URL: `http://127.0.0.1:${users}`,
      ORDERS_SERVICE_URL: `http://127.0.0.1:${orders}`,
    }
    const lines = commandsOf(readme, 'npm run guichet -- start shop/auth-service').split('\n')
    expect(lines).toHaveLength(4)
    for (const [index, line] of lines.entries()) {
      const terminal = inTerminal(line, { ...env, PORT: String(ports[index]) })
      // Run in the reverse order: the first one owns the database.
      onTestFinished(terminal.stop)
      await terminal.says(/is ready/)
    }
    for (const port of ports) expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
    expect((await signIn(gateway!, demo)).status).toBe(200)
  })

  describe('in production', () => {
    const databases = {
      identity: freshDatabase('readme_identity'),
      profiles: freshDatabase('readme_profiles'),
      orders: freshDatabase('readme_orders'),
    }

    // In a clone of its own: what is not installed for production is not there.
    test('the first day', { timeout: 300_000 }, async () => {
      const ports = await freePorts(4)
      const { PATH, HOME, HOST, LOG_LEVEL } = testEnvironment as Record<string, string>
      const dataDir = await dataFolder(onTestFinished)
      const clone = await freshClone(onTestFinished)
      const ours = join(repository, 'node_modules', '.bin')
      const path = PATH!.split(delimiter).filter((folder) => folder !== ours)
      const env = {
        PATH: path.join(delimiter),
        HOME: HOME!,
        HOST: HOST!,
        LOG_LEVEL: LOG_LEVEL!,
        GUICHET_DATA_DIR: dataDir,
        npm_config_prefer_offline: 'true',
      }
      const commands = [
        commandsOf(readme, 'npm ci --omit=dev'),
        commandsOf(readme, 'export NODE_ENV=production'),
        commandsOf(readme, 'npm run guichet -- account create operator --role admin'),
        commandsOf(readme, 'npm run guichet -- start shop'),
      ].join('\n')
      const example = /postgresql:\/\/(\w+):password@db\.example\.org:5432\/\1/g
      const edited = commands.replaceAll(example, (_, service: keyof typeof databases) => databases[service].url)
      const terminal = inTerminal(edited, { ...env, ...portVariables(ports) }, clone)
      onTestFinished(terminal.stop)

      await terminal.says(/Guichet is ready: shop \(production mode\)/)
      const password = /shown this once: (\S+)/.exec(terminal.stdout())?.[1] ?? ''
      expect((await signIn(ports[0]!, { username: 'operator', password })).status).toBe(200)
      expect((await signIn(ports[0]!, demo)).status).toBe(401)
      await expect(access(join(clone, 'node_modules', 'vitest'))).rejects.toThrow('ENOENT')
    })
  })
})

const runbooks = await readdir(join(repository, 'docs', 'runbooks'))
const decisions = await readdir(join(repository, 'docs', 'adr'))

test.each([
  ['runbooks', runbooks],
  ['adr', decisions],
])('the list of docs/%s is complete', async (folder, names) => {
  const list = await readFile(join(repository, 'docs', folder, 'README.md'), 'utf8')
  for (const name of names.filter((one) => one !== 'README.md')) expect(list).toContain(`](${name})`)
})

test.each([
  'README.md',
  'ARCHITECTURE.md',
  'EXAMPLES.md',
  'CONTRIBUTING.md',
  'docs/adding-a-contract.md',
  'docs/adding-a-service.md',
  'server/src/contracts/README.md',
  ...contractNames.map((name) => `server/src/contracts/${name}/README.md`),
  'server/src/services/identity/README.md',
  'server/src/services/profiles/README.md',
  'server/src/services/orders/README.md',
  ...decisions.map((name) => `docs/adr/${name}`),
  ...runbooks.map((name) => `docs/runbooks/${name}`),
])('every link of %s leads to a file', async (name) => {
  // Files that a page shows have links of their own.
  const text = (await readFile(join(repository, name), 'utf8')).replaceAll(/^```.*?^```$/gms, '')
  const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target = '']) => target)
  for (const target of targets) {
    await expect(access(join(repository, dirname(name), target)), target).resolves.toBeUndefined()
  }
})

test('the contracts’ README names no route that is not there', async () => {
  const text = await readFile(join(repository, 'server', 'src', 'contracts', 'README.md'), 'utf8')
  const routes = Object.values(contracts).flatMap((contract) => contract.routes)
  const there = new Set(routes.map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`))
  const named = [...text.matchAll(/`((?:GET|POST|PUT|PATCH|DELETE) \/[^`]+)`/g)].map(([, route = '']) => route)
  expect(named.length).toBeGreaterThan(40)
  expect(named.filter((route) => !there.has(route))).toEqual([])
})

test('S-64 ARCHITECTURE.md has diagrams', async () => {
  const text = await readFile(join(repository, 'ARCHITECTURE.md'), 'utf8')
  expect(text.match(/^```mermaid$/gm)?.length).toBeGreaterThanOrEqual(2)
})

test.each(['ARCHITECTURE.md', 'CONTRIBUTING.md', ...decisions.map((name) => `docs/adr/${name}`)])(
  '%s names files that exist',
  async (name) => {
    const text = await readFile(join(repository, name), 'utf8')
    for (const [, path = ''] of text.matchAll(/`(server\/[\w./-]+)`/g)) {
      await expect(access(join(repository, path)), path).resolves.toBeUndefined()
    }
  },
)
