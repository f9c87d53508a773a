import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { preparedDataDir } from './prepared-data.ts'
import { repository } from './processes.ts'

/** A `bash` block of a document, with the answer that the document shows for it. */
export interface Block {
  /** Line of the document that it begins on. */
  line: number
  commands: string
  /** From a line as `201 Created:` and the `json` block below it. */
  answer: { status: number; body: unknown } | undefined
}

/** A file that a document shows in full, by a line with its path; or what it has added to one, below a line of that file. */
export interface ShownFile {
  path: string
  below: string | undefined
  content: string
}

export interface Document {
  text: string
  blocks: readonly Block[]
  files: readonly ShownFile[]
}

const fence =
  /(?:^(?:(?<status>\d{3}) [^\n]+|`(?<path>[^`\n]+)`(?:, below `(?<below>[^`\n]+)`)?):\n\n)?^```(?<language>\w+)\n(?<content>.*?)^```$/gms

/** Reads a document of the repository's root. An answer belongs to the `bash` block above it. */
export async function readDocument(name: string): Promise<Document> {
  const text = await readFile(join(repository, name), 'utf8')
  const blocks: Block[] = []
  const files: ShownFile[] = []
  for (const { index, groups } of text.matchAll(fence)) {
    const { language = '', content = '', status, path, below } = groups ?? {}
    if (path !== undefined) files.push({ path, below, content })
    if (path !== undefined || !['bash', 'json'].includes(language)) continue
    const line = text.slice(0, index).split('\n').length
    if (language === 'bash') blocks.push({ line, commands: content.trim(), answer: undefined })
    else {
      const last = blocks.at(-1)
      if (!last || last.answer || !status) throw new Error(`${name}:${line} is an answer to nothing, or has no status`)
      last.answer = { status: Number(status), body: JSON.parse(content) }
    }
  }
  return { text, blocks, files }
}

/** The blocks of README.md that do not run against the server of the other ones, by their first line, each with the test that does. */
export const elsewhere = {
  'make start': 'documents.test.ts: make start',
  'make test': 'documents.test.ts: every block has a test that runs it',
  'make start TOPOLOGY=shop': 'documents.test.ts: make start TOPOLOGY=shop',
  './start-services.sh': 'start-services.test.ts: one script starts the four services',
  'npm run guichet -- start shop/auth-service': 'documents.test.ts: each service alone',
  'npm ci --omit=dev': 'documents.test.ts: the first day',
  'export NODE_ENV=production': 'documents.test.ts: the first day',
  'npm run guichet -- account create operator --role admin': 'documents.test.ts: the first day',
  'npm run guichet -- start shop': 'documents.test.ts: the first day',
  '# 1. Register': 'documents-contracts.test.ts: the clients, with mail',
  '# 6. See who you are': 'documents-contracts.test.ts: the clients, with mail',
  'curl http://portal.localhost:8000/': 'documents-contracts.test.ts: a host for each contract',
  'make start TOPOLOGY=helpdesk': 'documents-contracts.test.ts: the help desk, checked from outside',
  'make test-integration': 'documents-contracts.test.ts: the help desk, checked from outside',
  'npm run guichet -- start helpdesk/auth-service': 'documents-contracts.test.ts: the help desk as two processes',
  'make start TOPOLOGY=clients': 'documents-contracts.test.ts: one contract by itself',
  'export GUICHET_DEV=true': 'documents-contracts.test.ts: a database of its own',
  'export SECRET_KEY=$(node -p \'crypto.randomBytes(48).toString("base64url")\')':
    'documents-contracts.test.ts: the first day of tenants',
  'npm run guichet -- account create operator@example.org --contract tenants --tenant main --role vendor_admin \\':
    'documents-contracts.test.ts: the first day of tenants',
  'npm run guichet -- start tenants': 'documents-contracts.test.ts: the first day of tenants',
} as const

export const firstLine = ({ commands }: Block): string => commands.split('\n', 1)[0] ?? ''

/** The commands of a block of README.md, by its first line. */
export function commandsOf({ blocks }: Document, first: keyof typeof elsewhere): string {
  const found = blocks.find((block) => firstLine(block) === first)
  if (!found) throw new Error(`README.md has no block that begins with "${first}"`)
  return found.commands
}

type Later = (clean: () => Promise<void>) => void

/** An empty data folder for a server, as the reader of a document has it, removed after the test or the block that `later` belongs to. */
export async function dataFolder(later: Later): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-documents-'))
  later(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The same with PostgreSQL and the tables in it, for what the document says of a server that runs. */
export async function preparedDataFolder(later: Later): Promise<string> {
  const folder = await preparedDataDir('guichet-documents')
  later(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** `make` that takes the installed dependencies as they are: whoever runs a test has installed them. */
export const made = (commands: string): string =>
  commands.replaceAll(/^make /gm, 'make -o node_modules/.package-lock.json ')

export interface BlockResult {
  stdout: string
  stderr: string
  /** Of every call that the block made with curl. */
  statuses: number[]
}

const boundary = '--- end of block ---'

/**
 * Runs blocks one after another in one shell, which ends at the first command that fails: a result is missing for what did not run.
 * @param edit what takes the place of a document's addresses
 */
export async function runBlocks(
  blocks: readonly Block[],
  options: { env: Readonly<Record<string, string>>; edit: (commands: string) => string; cwd?: string },
): Promise<{ code: number | null; results: BlockResult[] }> {
  const tools = await mkdtemp(join(tmpdir(), 'guichet-tools-'))
  try {
    await standInForJq(tools)
    const script = [
      'set -eu -o pipefail',
      // The status of each answer goes to stderr, out of the way of the body.
      `curl() { command curl -sS -w '%{stderr}\\n%{http_code}\\n' "$@"; }`,
      `end() { printf '\\n%s\\n' '${boundary}'; printf '\\n%s\\n' '${boundary}' >&2; }`,
      ...blocks.flatMap(({ commands }) => [options.edit(commands), 'end']),
    ].join('\n')
    const env = { ...options.env, PATH: `${options.env.PATH}${delimiter}${tools}` }
    const child = spawn('bash', ['-c', script], {
      cwd: options.cwd ?? repository,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = collect(child)
    const [code] = (await once(child, 'close')) as [number | null]
    const [stdouts, stderrs] = [output.stdout(), output.stderr()].map((text) => text.split(`${boundary}\n`))
    const results = blocks.flatMap((_, index) => {
      const [stdout, stderr = ''] = [stdouts?.[index], stderrs?.[index]]
      if (stdout === undefined) return []
      const statuses = [...stderr.matchAll(/^\d{3}$/gm)].map(([status]) => Number(status))
      return [{ stdout, stderr, statuses }]
    })
    return { code, results }
  } finally {
    await rm(tools, { recursive: true, force: true })
  }
}

/** `jq -r '.a.b'` for machines without jq; the folder is the last of PATH, so that a real one wins. */
async function standInForJq(folder: string): Promise<void> {
  const program = `#!/usr/bin/env node
const path = process.argv.at(-1).split('.').filter(Boolean)
console.log(path.reduce((value, key) => value[key], JSON.parse(require('node:fs').readFileSync(0, 'utf8'))))
`
  await writeFile(join(folder, 'jq'), program)
  await chmod(join(folder, 'jq'), 0o755)
}

/** Starts commands that run until they are stopped, as in a terminal: in a process group of their own. */
export function inTerminal(commands: string, env: Readonly<Record<string, string>>, cwd = repository) {
  const child = spawn('bash', ['-c', `set -eu -o pipefail\n${commands}`], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = collect(child)
  const ended = once(child, 'close')
  return {
    ...output,
    /** Resolves when stdout matches, and rejects when the commands end before. */
    async says(pattern: RegExp): Promise<void> {
      await Promise.race([
        new Promise<void>((resolve) => {
          const look = () => pattern.test(output.stdout()) && resolve()
          child.stdout?.on('data', look)
          look()
        }),
        ended.then(([code]) => {
          throw new Error(`"${commands}" ended with ${code}:\n${output.stdout()}${output.stderr()}`)
        }),
      ])
    },
    /** SIGTERM to all of its processes; resolves when they have ended, since they hold its output open. */
    async stop(): Promise<void> {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGTERM')
      await ended
    },
  }
}

function collect({ stdout, stderr }: ChildProcess) {
  const texts = { stdout: '', stderr: '' }
  stdout?.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text
  })
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text
  })
  return { stdout: () => texts.stdout, stderr: () => texts.stderr }
}

const time = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/
const unixTime = (value: unknown) => Number.isInteger(value) && Number(value) > 1e9

/**
 * What the server answered, with the document's own value wherever that only stands for one: texts that end in `…`, times, and
 * the elements after those that a list shows before `…`. Equal to the document's answer when the two agree.
 */
export function asShown(shown: unknown, actual: unknown): unknown {
  if (typeof shown === 'string' && typeof actual === 'string') {
    const stands = shown.endsWith('…') ? actual.startsWith(shown.slice(0, -1)) : time.test(shown) && time.test(actual)
    return stands ? shown : actual
  }
  if (unixTime(shown) && unixTime(actual)) return shown
  if (Array.isArray(shown) && Array.isArray(actual)) {
    const more = shown.at(-1) === '…' && actual.length >= shown.length
    const visible = more ? actual.slice(0, shown.length - 1) : actual
    return [...visible.map((value, index) => asShown(shown[index], value)), ...(more ? ['…'] : [])]
  }
  if (isObject(shown) && isObject(actual)) {
    return Object.fromEntries(Object.entries(actual).map(([key, value]) => [key, asShown(shown[key], value)]))
  }
  return actual
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
