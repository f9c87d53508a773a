import { createHash } from 'node:crypto'
import pg from 'pg'
import { stopwatch } from '../clock.ts'
import { messageOf, refuseAtEdge } from '../errors.ts'
import type { Logger } from '../log.ts'

// Row ids and cents fit in 2^53; a text would have to be parsed again at every use.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

/** One SQL statement with its values; the name makes the server prepare it once per connection. */
export interface Statement<Row> {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
  /** Carries the row type only. */
  readonly row?: Row
}

/** A part of statements that no parameter can be, such as a list of columns: constants of ours, never what anybody sent. */
export class SqlPart {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const prepared = new WeakMap<TemplateStringsArray, { name: string; text: string }>()
const names = new Map<string, string>()

/** Writes one statement: the interpolated values become its parameters, never its text, but for parts. */
export function sql<Row = never>(strings: TemplateStringsArray, ...values: readonly unknown[]): Statement<Row> {
  const known = prepared.get(strings)
  if (known) return { ...known, values }
  const parameters: unknown[] = []
  const text = strings.reduce((before, after, index) => {
    const value = values[index - 1]
    return `${before}${value instanceof SqlPart ? value.text : `$${parameters.push(value)}`}${after}`
  })
  const name = names.get(text) ?? createHash('sha256').update(text).digest('base64url').slice(0, 24)
  names.set(text, name)
  // With parts the text may be another the next time.
  if (parameters.length === values.length) prepared.set(strings, { name, text })
  return { name, text, values: parameters }
}

/** What runs statements: the database itself, or one transaction in it. */
export interface Queryable {
  many<Row>(statement: Statement<Row>): Promise<Row[]>
  /** The first row, if there is one. */
  maybe<Row>(statement: Statement<Row>): Promise<Row | undefined>
  /** The first row of a statement that always has one. */
  one<Row>(statement: Statement<Row>): Promise<Row>
  /** Runs a statement for its effect and says how many rows it touched. */
  run(statement: Statement<unknown>): Promise<number>
}

export interface PoolFigures {
  total: number
  idle: number
  waiting: number
}

/** One service's database. Every wait has a deadline; an unreachable server is refused with `edge.unavailable`. */
export interface Database extends Queryable {
  readonly name: string
  /**
   * Runs `work` in one transaction (READ COMMITTED): committed when it returns, rolled back when it throws. It runs again when
   * the transaction was the victim of a deadlock, so it must have no other effect.
   */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>
  /** Rejects when the server does not answer within two seconds. */
  ping(): Promise<void>
  pool(): PoolFigures
  close(): Promise<void>
}

export interface DatabaseOptions {
  name: string
  url: string
  log: Logger
  /** Connections at most. */
  size?: number
  /** Told of each statement (`select`, `insert`, `with` …) or transaction, and its seconds. */
  onQuery?: (operation: string, seconds: number) => void
}

const connectDeadlineMs = 3_000
const statementDeadlineMs = 10_000

/** Opens a pool on one database. Nothing is connected before the first statement. */
export function openDatabase({ name, url, log, size = 10, onQuery }: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    application_name: `guichet:${name}`,
    connectionTimeoutMillis: connectDeadlineMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementDeadlineMs,
    query_timeout: statementDeadlineMs + 1_000,
    idle_in_transaction_session_timeout: 15_000,
    keepAlive: true,
  })
  pool.on('error', (error) => log.warn({ database: name, reason: messageOf(error) }, 'a database connection was lost'))

  const timed = async <Result>(operation: string, work: () => Promise<Result>): Promise<Result> => {
    const elapsed = stopwatch()
    try {
      return await work()
    } finally {
      onQuery?.(operation, elapsed())
    }
  }
  const onPool = queryable((query) => timed(verbOf(query.text), () => retried(() => pool.query(query))))
  return {
    name,
    ...onPool,
    transaction: (work) => timed('transaction', () => retried(() => inTransaction(pool, work))),
    async ping() {
      await Promise.race([pool.query('SELECT 1'), rejectAfter(2_000)])
    },
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  }
}

const verbs = new Map<string, string>()
/** The first word of a statement. */
function verbOf(text: string): string {
  let verb = verbs.get(text)
  if (verb === undefined) {
    verb = /\w+/.exec(text)?.[0].toLowerCase() ?? 'unknown'
    verbs.set(text, verb)
  }
  return verb
}

async function inTransaction<Result>(pool: pg.Pool, work: (tx: Queryable) => Promise<Result>): Promise<Result> {
  const client = await pool.connect().catch(asUnavailable)
  let broken: Error | undefined
  try {
    await client.query('BEGIN').catch(asUnavailable)
    const result = await work(queryable((query) => client.query(query)))
    await client.query('COMMIT').catch(asUnavailable)
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch((failure: Error) => {
      broken = failure
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** Tries that a transaction or a statement by itself has, when PostgreSQL ends it for the sake of another one. */
const tries = 4

/** Runs again what ended as the victim of a deadlock (40P01) or of a serialisation failure (40001): nothing of it was done. */
async function retried<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await work()
    } catch (error) {
      const victim = error instanceof pg.DatabaseError && (error.code === '40P01' || error.code === '40001')
      if (!victim) throw error
      if (turn === tries) throw refuseAtEdge('edge.unavailable', {}, error)
    }
  }
}

function queryable(send: (query: pg.QueryConfig) => Promise<pg.QueryResult>): Queryable {
  const query = async <Row>(statement: Statement<Row>) => {
    const { name, text, values } = statement
    return (await send({ name, text, values: values as unknown[] }).catch(asUnavailable)) as pg.QueryResult & {
      rows: Row[]
    }
  }
  return {
    many: async (statement) => (await query(statement)).rows,
    maybe: async (statement) => (await query(statement)).rows[0],
    async one(statement) {
      const [row] = (await query(statement)).rows
      if (row === undefined) throw new Error(`the statement "${statement.text.trim().slice(0, 80)}" gave no row`)
      return row
    },
    run: async (statement) => (await query(statement)).rowCount ?? 0,
  }
}

/** Errors of the connection and of a server that is going down become one DomainError; errors of the statement stay. */
function asUnavailable(error: unknown): never {
  if (isUnavailable(error)) throw refuseAtEdge('edge.unavailable', {}, error)
  throw error
}

function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  // Classes 08 (connection), 53 (resources), 57P (operator intervention, as a shutdown is), 57014 (our own deadline).
  if (/^(08|53|57P)/.test(code) || code === '57014') return true
  if (/^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/.test(code)) return true
  // pg reports a lost socket and its own deadlines without a code.
  return /Connection terminated|timeout exceeded|Query read timeout|not queryable|client was closed/i.test(
    error.message,
  )
}

const rejectAfter = (ms: number) =>
  new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms).unref()
  })

/** True when the statement broke the named unique constraint (SQLSTATE 23505). */
export const violates = (error: unknown, constraint: string): boolean =>
  error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === constraint
