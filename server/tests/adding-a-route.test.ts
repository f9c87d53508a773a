import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { copyOfTheTree, failuresOf } from './support/tree-copy.ts'

/** What CONTRIBUTING.md says of adding a route, done for `GET /products/count`: by file, what stands before which line. */
const additions = [
  {
    file: 'server/src/services/orders/store.ts',
    before: 'export const findProduct =',
    text: `export const countProducts = (db: Queryable) =>
  db.one(sql<{ count: number }>\`SELECT count(*)::int AS count FROM products\`)

`,
  },
  {
    file: 'server/src/services/orders/index.ts',
    before: '    importProducts: importProducts(deps),',
    text: `    /** How many products the catalogue has. */
    countProducts: () => store.countProducts(database),
`,
  },
  {
    file: 'server/src/contracts/shop/orders.ts',
    before: 'const readProduct = route(',
    text: `const countProducts = route('orders', 'GET', '/products/count', {
  summary: 'Count products',
  access: 'public',
  replies: { 200: Type.Object({ success: Type.Literal(true), count: Type.Integer({ description: 'Products' }) }) },
  async handler(orders) {
    return reply(200, { success: true, ...(await orders.countProducts()) })
  },
})

`,
  },
  { file: 'server/src/contracts/shop/orders.ts', before: 'readProduct })', text: 'countProducts, ' },
  {
    file: 'EXAMPLES.md',
    before: '### GET /products/{id}',
    text: `### GET /products/count

\`\`\`bash
curl -s "$API/products/count"
\`\`\`

200 OK:

\`\`\`json
{ "success": true, "count": 5 }
\`\`\`

`,
  },
]

test('a route of the shop takes at most six files and 60 lines, and is then served, described and shown', {
  timeout: 300_000,
}, async () => {
  const { folder, run } = await copyOfTheTree(onTestFinished)
  await run('git', 'init', '--quiet')
  await run('git', 'add', '--all')

  for (const { file, before, text } of additions) {
    const [start, end, ...others] = (await readFile(join(folder, file), 'utf8')).split(before)
    expect({ file, others, there: end !== undefined }).toEqual({ file, others: [], there: true })
    await writeFile(join(folder, file), `${start}${text}${before}${end}`)
  }
  await run('node', 'server/src/main.ts', 'openapi')

  await run('git', 'add', '--intent-to-add', '--all')
  const touched = (await run('git', 'diff', '--numstat')).trim().split('\n')
  expect(touched.length, touched.join('\n')).toBeLessThanOrEqual(6)
  const lines = touched.flatMap((line) => line.split('\t').slice(0, 2)).map(Number)
  expect(
    lines.reduce((sum, count) => sum + count),
    touched.join('\n'),
  ).toBeLessThanOrEqual(60)

  // The examples are run against the shop of the copy, and their answers compared.
  const guards = ['documents', 'promises'].map((name) => `tests/${name}.test.ts`)
  const titles = ['EXAMPLES', 'README names no route', 'shop.md'].join('|')
  const config = ['--config', 'server/vitest.config.ts', '--project', 'server']
  let passed = ''
  const tested = run('vitest', 'run', ...config, '--reporter=verbose', '-t', titles, ...guards)
  const failures = await failuresOf([
    tested.then((output) => {
      passed = output
    }),
    run('tsc', '--project', 'tsconfig.json'),
    run('biome', 'check', 'server/src/contracts', 'server/src/services/orders'),
    run('node', 'server/src/main.ts', 'openapi', '--check'),
  ])
  expect(failures).toEqual([])
  expect(passed).toMatch(/✓.* S-23 line \d+: .*\/products\/count/)
  expect(passed).toMatch(/✓.* S-65 shows ### GET \/products\/count/)
})
