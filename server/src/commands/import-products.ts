import Type, { type Static } from 'typebox'
import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { createLogger } from '../platform/log.ts'
import type { NewProduct } from '../services/orders/index.ts'
import type { Print } from './command.ts'
import { problemsOf, readNdjson } from './ndjson.ts'

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

/** Writes products from a file with one JSON object a line; all of them, or none when a line does not fit. */
export async function importProducts(
  file: string,
  { dryRun, topology }: { dryRun: boolean; topology: string },
  print: Print,
): Promise<void> {
  const products = await readProducts(file)
  if (dryRun) {
    print(`${products.length} products fit. Nothing was written.`)
    return
  }
  const config = loadCommandConfig(topology)
  await withServices(config, createLogger(config), ['orders'], ({ orders }) => orders.importProducts(products))
  print(`${products.length} products are in the catalogue.`)
}

async function readProducts(path: string): Promise<NewProduct[]> {
  const products: NewProduct[] = []
  const problems = problemsOf(path)
  for await (const line of readNdjson({ path, schema: ProductLine, mostLines })) {
    if ('problem' in line) problems.report(line.number, line.problem)
    else if (!isCents(line.value.price)) problems.report(line.number, 'price may have at most two decimals')
    else products.push(productOf(line.value))
  }
  problems.refuse()
  return products
}

const isCents = (price: number) => Math.abs(price * 100 - Math.round(price * 100)) < 1e-6

const productOf = ({ price, ...rest }: Static<typeof ProductLine>): NewProduct => ({
  ...rest,
  priceCents: Math.round(price * 100),
})
