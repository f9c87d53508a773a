import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Ajv } from 'ajv'
import Type, { type Static } from 'typebox'
import { withServices } from '../compose.ts'
import { loadCommandConfig } from '../config.ts'
import { messageOf, StartError } from '../platform/errors.ts'
import { createLogger } from '../platform/log.ts'
import type { NewProduct } from '../services/orders/index.ts'
import type { Print } from './command.ts'

const ProductLine = Type.Object(
  {
    id: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
    name: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000]*$' }),
    description: Type.Optional(Type.Union([Type.String({ maxLength: 2000, pattern: '^[^\\u0000]*$' }), Type.Null()])),
    /** In the currency's main unit, with at most two decimals. */
    price: Type.Number({ minimum: 0, maximum: 10_000_000 }),
    stock: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
  },
  { additionalProperties: false },
)

const mostLines = 100_000
const mostProblems = 20

/** Writes products from a file with one JSON object a line; all of them, or none when a line does not fit. */
export async function importProducts(file: string, { dryRun }: { dryRun: boolean }, print: Print): Promise<void> {
  const products = await readProducts(file)
  if (dryRun) {
    print(`${products.length} products fit. Nothing was written.`)
    return
  }
  const config = loadCommandConfig()
  await withServices(config, createLogger(config.logLevel), ({ orders }) => orders.importProducts(products))
  print(`${products.length} products are in the catalogue.`)
}

async function readProducts(file: string): Promise<NewProduct[]> {
  const validate = new Ajv({ strict: false }).compile<Static<typeof ProductLine>>(ProductLine)
  const products: NewProduct[] = []
  const problems: string[] = []
  let number = 0
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      number += 1
      if (line.trim() === '') continue
      if (number > mostLines) throw new StartError(`${file} has more than ${mostLines} lines: split it.`)
      const parsed = parse(line)
      if (!validate(parsed)) problems.push(`line ${number}: ${explain(validate.errors?.[0])}`)
      else if (!isCents(parsed.price)) problems.push(`line ${number}: price may have at most two decimals`)
      else products.push(productOf(parsed))
      if (problems.length >= mostProblems) break
    }
  } catch (error) {
    throw error instanceof StartError
      ? error
      : new StartError(`${file} cannot be read: ${messageOf(error)}`, { cause: error })
  }
  if (problems.length > 0)
    throw new StartError(`Nothing was written. ${file} does not fit:\n  ${problems.join('\n  ')}`)
  return products
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const explain = (error: { instancePath: string; message?: string; params: object } | undefined): string =>
  error ? `${error.instancePath.slice(1) || 'it'} ${error.message ?? 'does not fit'}` : 'is not a JSON object'

const isCents = (price: number) => Math.abs(price * 100 - Math.round(price * 100)) < 1e-6

const productOf = ({ price, ...rest }: Static<typeof ProductLine>): NewProduct => ({
  ...rest,
  priceCents: Math.round(price * 100),
})
