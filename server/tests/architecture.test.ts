import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contracts } from '../src/contracts/registry.ts'
import { type Module, moduleOf, readTree } from './support/source-tree.ts'
import * as rules from './support/tree-rules.ts'

const modules = readTree(join(import.meta.dirname, '..', 'src'))
const production = modules.filter(({ path }) => !/\.(test|conformance)\.ts$|(^|\/)testing\//.test(path))

/** Names that documents and we have in common. */
const namesOfOurs = new Set(['REDIS_URL', 'PORT', 'INTERNAL_SERVICE_TOKEN', '/health', 'accessToken'])

/** What each contract's document alone calls something. */
const ownWords = Object.fromEntries(
  Object.entries(contracts).map(([name, { deployment, routes, browser, hosting }]) => {
    const { forwardedHeaders, aliases, ignored, inMilliseconds, furtherOrigins, introspection, units } = deployment
    const words = [
      ...Object.values(aliases ?? {}).flat(),
      ...Object.keys(ignored ?? {}),
      ...[forwardedHeaders, inMilliseconds, browser?.exposedHeaders, hosting?.referenceUrls].flatMap(
        (some) => some ?? [],
      ),
      ...[furtherOrigins, introspection?.cachePrefix, browser?.accessCookie, hosting?.instanceHeader],
      ...units.map((unit) => unit.name),
      ...routes.map(({ url }) => url),
    ]
    return [name, words.filter((word) => word !== undefined && !namesOfOurs.has(word)) as string[]]
  }),
)

interface Case {
  rule: rules.Rule
  /** Modules that break it, each with what the rule says of it. */
  planted: readonly { path: string; text: string; says: string }[]
  /** Modules that look as if they did. */
  allowed?: readonly { path: string; text: string }[]
}

const cases: Readonly<Record<string, Case>> = {
  'imports go one way': {
    rule: rules.oneWay,
    planted: [
      {
        path: 'platform/x.ts',
        text: "import type { A } from '../services/a/index.ts'",
        says: 'imports services/a/index.ts',
      },
      {
        path: 'services/a/x.ts',
        text: "export * from '../../contracts/shop/index.ts'",
        says: 'imports contracts/shop/index.ts',
      },
      {
        path: 'gateway/x.ts',
        text: "const a = await import('../compose/compose.ts')",
        says: 'imports compose/compose.ts',
      },
      { path: 'stray.ts', text: '', says: 'is in no layer' },
      { path: 'platform/y.ts', text: "import { some } from '../../tests/support/tokens.ts'", says: 'imports ../tests' },
      {
        path: 'platform/z.ts',
        text: "new Worker(new URL('../services/a/worker.ts', import.meta.url))",
        says: 'imports',
      },
      { path: 'platform/v.ts', text: 'const a = await import(`../compose/${name}.ts`)', says: 'import(' },
    ],
    allowed: [
      {
        path: 'gateway/x.ts',
        text: "// import a from '../compose/compose.ts'\nimport { b } from '../config/config.ts'",
      },
    ],
  },
  'a service is entered by its index.ts and knows no other service but the realm': {
    rule: rules.servicesApart,
    planted: [
      {
        path: 'services/orders/x.ts',
        text: "import { a } from '../identity/index.ts'",
        says: 'imports services/identity/index.ts',
      },
      {
        path: 'gateway/x.ts',
        text: "import {\n  a,\n} from '../services/orders/store.ts'",
        says: 'imports services/orders/store.ts',
      },
      {
        path: 'services/identity/x.ts',
        text: "import { a } from '../realm/realm.ts'",
        says: 'imports services/realm/realm.ts',
      },
    ],
    allowed: [{ path: 'services/orders/x.ts', text: "import { may } from '../realm/index.ts'" }],
  },
  'contracts are islands': {
    rule: rules.contractsApart,
    planted: [
      {
        path: 'contracts/shop/x.ts',
        text: "import type { A } from '../portal/wire.ts'",
        says: 'imports contracts/portal/wire.ts',
      },
      {
        path: 'contracts/_kit/x.ts',
        text: "import { shop } from '../shop/index.ts'",
        says: 'imports contracts/shop/index.ts',
      },
      {
        path: 'gateway/x.ts',
        text: "import { shop } from '../contracts/shop/index.ts'",
        says: 'imports contracts/shop/index.ts',
      },
    ],
    allowed: [
      { path: 'contracts/shop/x.ts', text: "import { a } from '../_kit/route.ts'\nimport { b } from './wire.ts'" },
    ],
  },
  'no imports go in a circle': {
    rule: rules.noCircles,
    planted: [
      { path: 'platform/x.ts', text: "import './y.ts'", says: 'platform/x.ts -> platform/y.ts -> platform/x.ts' },
      { path: 'platform/y.ts', text: "import type { X } from './x.ts'", says: 'platform/x.ts' },
    ],
  },
  'the environment, the exit, the clock and ids have one place each': {
    rule: rules.onePlace,
    planted: [
      { path: 'gateway/x.ts', text: 'const a = process.env.A', says: 'process.env' },
      { path: 'commands/x.ts', text: 'process.exit(1)', says: 'process.exit' },
      { path: 'commands/y.ts', text: 'stop().then(process.exit)', says: 'process.exit' },
      { path: 'config/x.ts', text: 'const { env } = process\n', says: '= process' },
      { path: 'config/y.ts', text: "const a = process['env']", says: 'process[' },
      { path: 'config/z.ts', text: "import { env } from 'node:process'", says: 'imports' },
      { path: 'gateway/y.ts', text: 'const a = `/${process.env.A ?? `${b}`}`', says: 'process.env' },
      { path: 'services/a/x.ts', text: 'const now = Date.now()', says: 'Date.now' },
      { path: 'services/a/y.ts', text: 'const now = new Date()', says: 'new Date' },
      { path: 'services/a/z.ts', text: 'const now = new Date', says: 'new Date' },
      { path: 'services/b/x.ts', text: 'log(`done at ${Date.now()}`)', says: 'Date.now' },
      { path: 'platform/x.ts', text: 'const now = performance.now()', says: 'performance.now' },
      { path: 'platform/z.ts', text: "import { performance as p } from 'node:perf_hooks'", says: 'imports' },
      { path: 'platform/y.ts', text: "import { randomUUID } from 'node:crypto'", says: 'randomUUID' },
    ],
    allowed: [
      {
        path: 'platform/x.ts',
        text: "// Date.now()\nconst a = 'Date.now()'\nconst b = new Date(5)\nconst c: Date = b",
      },
      { path: 'platform/y.ts', text: 'const a = `new Date() ${b}`' },
    ],
  },
  'contracts do no input and output': {
    rule: rules.contractsDoNoIo,
    planted: [
      { path: 'contracts/shop/x.ts', text: "import { Pool } from 'undici'", says: 'imports undici' },
      {
        path: 'contracts/_kit/x.ts',
        text: "import { open } from 'node:fs/promises'",
        says: 'imports node:fs/promises',
      },
      { path: 'contracts/shop/y.ts', text: "const a = await fetch('http://a')", says: 'fetch(' },
      { path: 'contracts/shop/z.ts', text: "const a = await import('pg')", says: 'imports pg' },
      { path: 'contracts/shop/v.ts', text: "import axios from 'axios'", says: 'imports axios' },
      { path: 'contracts/shop/w.ts', text: 'await globalThis.fetch(url)', says: 'globalThis.fetch' },
      {
        path: 'contracts/shop/u.ts',
        text: "import { openDatabase } from '../../platform/db/database.ts'",
        says: 'imports platform/db/database.ts',
      },
    ],
    allowed: [{ path: 'contracts/shop/x.ts', text: "import type { Pool } from 'undici'\nconst b = a.fetch(c)" }],
  },
  'what is one contract’s stands in its folder': {
    rule: rules.ownWordsAtHome({
      shop: [],
      tenants: [],
      portal: ['x-token-delivery', 'PROXY_TIMEOUT_MS', '/users/:id'],
    }),
    planted: [
      {
        path: 'gateway/x.ts',
        text: "const headers = ['accept', 'x-token-delivery']",
        says: '"x-token-delivery" of portal',
      },
      { path: 'config/x.ts', text: "read('PROXY_TIMEOUT_MS')", says: '"PROXY_TIMEOUT_MS" of portal' },
      { path: 'compose/x.ts', text: "if (name === 'portal') open()", says: '"portal" of portal' },
      {
        path: 'contracts/shop/x.ts',
        text: "planOf(['portal/rncp-user-service'])",
        says: '"portal/rncp-user-service" of portal',
      },
      { path: 'commands/x.ts', text: 'open(contracts.portal)', says: 'contracts.portal' },
      { path: 'gateway/y.ts', text: "headers['X-Token-Delivery']", says: '"X-Token-Delivery" of portal' },
      { path: 'config/y.ts', text: 'fail(`Set PROXY_TIMEOUT_MS to ${a}.`)', says: 'of portal' },
      { path: 'gateway/z.ts', text: "if (url === '/users/:id') return", says: 'of portal' },
      { path: 'compose/y.ts', text: '// As the portal wants it.', says: 'names portal' },
      { path: 'compose/z.ts', text: 'const isPortal = true', says: 'names portal' },
      { path: 'compose/portal.ts', text: '', says: 'names portal' },
      { path: 'gateway/w.ts', text: "if (contract.name === 'tenants') return", says: 'of tenants' },
    ],
    allowed: [
      { path: 'contracts/portal/x.ts', text: "header('x-token-delivery')" },
      { path: 'compose/x.ts', text: "// Of all tenants.\nconst tenants = 'the tenants'" },
    ],
  },
  'files stay small': {
    rule: rules.small,
    planted: [{ path: 'platform/x.ts', text: 'a\n'.repeat(301), says: '301 lines' }],
  },
  'names say what something is, in the words of the field': {
    rule: rules.goodNames,
    planted: [
      { path: 'platform/utils.ts', text: '', says: 'says nothing' },
      { path: 'services/a/helpers/x.ts', text: '', says: 'says nothing' },
      { path: 'gateway/x.ts', text: 'const { terms } = client', says: 'terms' },
      { path: 'gateway/y.ts', text: "const a = 'terms' in client", says: 'terms' },
      { path: 'gateway/z.ts', text: 'const a = realmTerms(visitorOf(b))', says: 'Terms' },
      { path: 'gateway/visitor.ts', text: '', says: 'visitor' },
      { path: 'gateway/w.ts', text: 'interface Record {}', says: 'Record shadows' },
      { path: 'gateway/v.ts', text: 'export type Headers = string[]', says: 'Headers shadows' },
    ],
    allowed: [{ path: 'gateway/x.ts', text: "// a visitor's terms\nconst a = 'terms of use'" }],
  },
  'folders, not prefixes': {
    rule: rules.foldersNotPrefixes,
    planted: ['', '-page', '-client']
      .map((part) => ({ path: `gateway/xyz${part}.ts`, text: '', says: 'gateway/xyz' }))
      .concat({
        path: 'gateway/edge-access.ts',
        text: '',
        says: 'gateway/edge',
      }),
  },
  'every suppression of a check gives its reason': {
    rule: rules.reasonedSuppressions,
    planted: [
      { path: 'gateway/x.ts', text: ['// @ts-', 'ignore'].join(''), says: 'without its reason' },
      { path: 'gateway/y.ts', text: ['// biome-', 'ignore lint/a'].join(''), says: 'without its reason' },
      { path: 'gateway/z.ts', text: ['// biome-', 'ignore-all lint/a:'].join(''), says: 'without its reason' },
      { path: 'gateway/w.ts', text: ['// @ts-', 'nocheck'].join(''), says: 'without its reason' },
    ],
    allowed: [{ path: 'gateway/x.ts', text: ['// biome-', 'ignore lint/a: the format asks for it'].join('') }],
  },
}

const parsed = (planted: readonly { path: string; text: string }[]): Module[] =>
  planted.map(({ path, text }) => moduleOf(path, text))

describe.each(Object.entries(cases))('%s', (_, { rule, planted, allowed = [] }) => {
  test('in this tree', () => {
    const real =
      rule === cases['what is one contract’s stands in its folder']?.rule ? rules.ownWordsAtHome(ownWords) : rule
    expect(real(production)).toEqual([])
  })

  test.each(planted)('and what breaks it is seen: $path', ({ path, says }) => {
    const found = rule([...production, ...parsed(planted)])
    expect(found.filter((one) => one.includes(path) && one.includes(says))).not.toEqual([])
  })

  test('and what does not is let be', () => {
    expect(rule(parsed(allowed))).toEqual([])
  })
})

test('the tree was really read', () => {
  expect(production.length).toBeGreaterThan(200)
  const known = new Set(modules.map(({ path }) => path))
  const edges = production.flatMap(({ imports }) => imports).filter((target) => target.endsWith('.ts'))
  expect(edges.length).toBeGreaterThan(1_000)
  expect(edges.filter((target) => !known.has(target))).toEqual([])
})
