import { createHash } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { DomainError, StartError } from '../platform/errors.ts'
import type { AccountImport, AccountToImport, ImportedAccount } from '../services/identity/index.ts'
import type { Print } from './command.ts'
import { createLineIndex } from './line-index.ts'
import { type Problems, problemsOf, readNdjson } from './ndjson.ts'
import { type Progress, showProgress } from './progress.ts'

/** Text without NUL and lone surrogates, which PostgreSQL has no place for; null is as good as absent. */
const Text = (maxLength: number) =>
  Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000\\p{Cs}]*$' }), Type.Null()]))
const Flag = Type.Optional(Type.Union([Type.Boolean(), Type.Null()]))

const AccountLine = Type.Object(
  {
    email: Text(254),
    username: Text(254),
    name: Text(200),
    password_hash: Text(512),
    email_verified: Flag,
    second_factor: Flag,
    role: Text(100),
    tenant: Text(100),
    locale: Text(10),
    active: Flag,
    /** RFC 3339, with its zone. */
    created_at: Type.Optional(
      Type.Union([
        Type.String({
          pattern: '^\\d{4}-\\d\\d-\\d\\d[Tt ]\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?([Zz]|[+-]\\d\\d:\\d\\d)$',
        }),
        Type.Null(),
      ]),
    ),
  },
  { additionalProperties: false },
)

const mostLines = 1_000_000
/** Lines that are looked up in the database at once. */
const batchSize = 1_000

/** Reads the file twice: nothing is written before every line is known to fit, and no line is kept in memory. */
export async function importFile(
  path: string,
  accounts: AccountImport,
  dryRun: boolean,
  print: Print,
  progress: Progress = showProgress(),
): Promise<void> {
  const { formats, digest } = await check(path, accounts, progress).finally(progress.end)
  const count = [...formats.values()].reduce((sum, one) => sum + one, 0)
  const parts = [...formats].sort().map(([format, one]) => `\n  ${one} ${passwordsOf(format)}`)
  print(`${count} accounts fit:${parts.join('')}`)
  if (dryRun) {
    print('Nothing was written.')
    return
  }
  const { written } = await accounts
    .write(() => readAgain(path, accounts, digest, progress))
    .finally(progress.end)
    .catch((error: unknown) => {
      if (!(error instanceof DomainError)) throw error
      throw new StartError(`Nothing was written: ${explain(error.code)} Import the file again.`, { cause: error })
    })
  print(`${written} accounts were imported.`)
}

const passwordsOf = (format: string) => (format === 'none' ? 'without a password' : `with a password by ${format}`)

const explain = (code: string) =>
  code === 'identity.username_taken' ? 'a name or address in the file was taken meanwhile.' : `${code}.`

/** Checks every line: by itself, against the lines before it, and against the database. */
async function check(path: string, accounts: AccountImport, progress: Progress) {
  const formats = new Map<string, number>()
  const problems = problemsOf(path)
  const digest = createHash('sha256')
  const repeated = repetitions()
  let batch: { number: number; account: ImportedAccount }[] = []
  for await (const line of readNdjson({ path, schema: AccountLine, mostLines, digest })) {
    progress.step('checked', line.number)
    const read = 'problem' in line ? line : accounts.read(accountOf(line.value))
    const problem = 'problem' in read ? read.problem : repeated(read.account, line.number)
    if (problem !== undefined) problems.report(line.number, problem)
    else if ('account' in read) {
      batch.push({ number: line.number, account: read.account })
      formats.set(read.format, (formats.get(read.format) ?? 0) + 1)
    }
    if (batch.length === batchSize) {
      await reportConflicts(accounts, batch, problems)
      batch = []
    }
  }
  await reportConflicts(accounts, batch, problems)
  problems.refuse()
  return { formats, digest: digest.digest('hex') }
}

/** Finds the names and proven addresses that an earlier line has. */
function repetitions() {
  const lines = createLineIndex(2 * mostLines)
  return ({ tenant, username, email, emailVerified }: ImportedAccount, number: number): string | undefined => {
    const keyOf = (kind: string, text: string) => [kind, tenant, text].join('\0').toLowerCase()
    const name = lines.seenOn(keyOf('username', username), number)
    if (name !== undefined) return `username is that of line ${name}`
    const address = emailVerified && email !== null ? lines.seenOn(keyOf('email', email), number) : undefined
    return address === undefined ? undefined : `email is that of line ${address}, and both are verified`
  }
}

async function reportConflicts(
  accounts: AccountImport,
  batch: readonly { number: number; account: ImportedAccount }[],
  problems: Problems,
): Promise<void> {
  for (const { position, kind } of await accounts.conflicts(batch.map(({ account }) => account))) {
    problems.report(batch[position]?.number ?? 0, `${kind} belongs to an account that is here, or once was`)
  }
}

/** Reads the lines for writing. The transaction ends without a trace when they are not those that were checked. */
async function* readAgain(
  path: string,
  accounts: AccountImport,
  checked: string,
  progress: Progress,
): AsyncGenerator<ImportedAccount> {
  const changed = () => new StartError(`Nothing was written: ${path} changed while it was read.`)
  const digest = createHash('sha256')
  for await (const line of readNdjson({ path, schema: AccountLine, mostLines, digest })) {
    const read = 'problem' in line ? line : accounts.read(accountOf(line.value))
    if ('problem' in read) throw changed()
    progress.step('written', line.number)
    yield read.account
  }
  if (digest.digest('hex') !== checked) throw changed()
}

const accountOf = (line: Static<typeof AccountLine>): AccountToImport => ({
  email: line.email ?? undefined,
  username: line.username ?? undefined,
  displayName: line.name ?? undefined,
  passwordHash: line.password_hash ?? undefined,
  emailVerified: line.email_verified ?? undefined,
  secondFactor: line.second_factor ?? undefined,
  role: line.role ?? undefined,
  tenant: line.tenant ?? undefined,
  locale: line.locale ?? undefined,
  active: line.active ?? undefined,
  createdAt: line.created_at ?? undefined,
})
