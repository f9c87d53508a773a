import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contractNames } from '../src/contracts/registry.ts'

const source = join(import.meta.dirname, '..', 'src')

interface Module {
  /** Path below src, with `/`. */
  path: string
  text: string
  /** Modules of ours that it imports, as paths below src. */
  imports: string[]
}

const modules: Module[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(source, path), 'utf8')
    const imports = [...text.matchAll(/^(?:import|export)\b[^'"]*?['"](\.{1,2}\/[^'"]+)['"]/gms)].map(
      ([, target = '']) => relative(source, resolve(dirname(join(source, path)), target)),
    )
    return { path, text, imports }
  })

const production = modules.filter(({ path }) => !/\.(test|conformance)\.ts$|\/testing\/|scratch-server/.test(path))

/** The layers, lowest first: a module imports from its own layer and from those below. */
const layers = ['platform', 'services', 'contracts', 'gateway'] as const
const layerOf = (path: string): number => {
  const index = layers.findIndex((layer) => path.startsWith(`${layer}/`))
  return index === -1 ? layers.length : index
}
const partOf = (path: string, depth: number) => path.split('/').slice(0, depth).join('/')

const broken = (rule: (from: Module, to: string) => boolean): string[] =>
  production.flatMap((from) => from.imports.filter((to) => !rule(from, to)).map((to) => `${from.path} imports ${to}`))

describe('the tree', () => {
  test('was really read', () => {
    expect(production.length).toBeGreaterThan(80)
    const edges = production.flatMap(({ imports }) => imports)
    expect(edges.length).toBeGreaterThan(250)
    const known = new Set(modules.map(({ path }) => path))
    expect(edges.filter((target) => !known.has(target))).toEqual([])
  })

  test('imports go one way: platform <- services <- contracts <- gateway <- the rest', () => {
    // The gateway is told its configuration by type; no value comes from above.
    const typeOnly = new Set(['config/config.ts'])
    expect(broken(({ path }, to) => layerOf(to) <= layerOf(path) || typeOnly.has(to))).toEqual([])
    for (const { path, text } of production.filter((one) => layerOf(one.path) < layers.length)) {
      expect(text, path).not.toMatch(/^import (?!type)[^\n]*['"][^'"]*\/config\.ts['"]/m)
    }
  })

  test('a service is entered by its index.ts and imports no other service', () => {
    expect(
      broken(({ path }, to) => {
        if (!to.startsWith('services/')) return true
        if (partOf(path, 2) === partOf(to, 2)) return true
        return !path.startsWith('services/') && to.split('/')[2] === 'index.ts'
      }),
    ).toEqual([])
  })

  test('contracts are islands', () => {
    expect(
      broken(({ path }, to) => {
        const [own, other] = [path, to].map((one) => /^contracts\/\w+\//.exec(one)?.[0])
        return !own || !to.startsWith('contracts/') || own === other || other === 'contracts/_kit/'
      }),
    ).toEqual([])
  })

  test('a contract is known by name in its own folder, and by its line of the registry', () => {
    const knowing = (name: string) => {
      const named = new RegExp(`['"\`.(/]${name}['"\`/]|\\b${name.toUpperCase()}_[A-Z]`)
      return production.filter(({ path, text }) => !path.startsWith(`contracts/${name}/`) && named.test(text))
    }
    for (const name of contractNames) {
      expect(
        knowing(name).map(({ path }) => path),
        name,
      ).toEqual(['contracts/registry.ts'])
    }
  })

  test('the environment, the clock and the exit each have one place', () => {
    const using = (pattern: RegExp) => production.filter(({ text }) => pattern.test(text)).map(({ path }) => path)
    expect(using(/process\.env\b/)).toEqual(['config/config.ts'])
    expect(using(/process\.exit\(/)).toEqual(['main.ts'])
    expect(using(/\brandomUUID\b|\buuidv7\(/)).toEqual(['platform/ids.ts'])
  })

  test('files stay small and say what they are', () => {
    const lengths = production.map(({ path, text }) => ({ path, lines: text.split('\n').length }))
    const sorted = lengths.map(({ lines }) => lines).sort((one, other) => one - other)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(80)
    expect(lengths.filter(({ lines }) => lines > 350)).toEqual([])
    expect(production.filter(({ path }) => /(^|\/)(utils?|helpers?|common|managers?)(\.ts|\/)/.test(path))).toEqual([])
  })

  test('every suppression of a check gives its reason', () => {
    const bare = modules.filter(({ text }) => /@ts-(ignore|expect-error)(?! \S)|biome-ignore [^:\n]*$/m.test(text))
    expect(bare.map(({ path }) => path)).toEqual([])
  })
})
