import type { Module } from './source-tree.ts'

/** A rule of the tree: gives what breaks it, as `path: what`. */
export type Rule = (modules: readonly Module[]) => string[]

/** The layers, lowest first: a module imports from its own layer and from those below. */
export const layers = [
  'platform',
  'services',
  'contracts',
  'config',
  'gateway',
  'compose',
  'commands',
  'main.ts',
] as const

const folder = (path: string, depth: number): string => path.split('/').slice(0, depth).join('/')
const layerOf = (path: string): number => (layers as readonly string[]).indexOf(folder(path, 1))
const importsThat =
  (breaks: (from: string, to: string) => boolean): Rule =>
  (modules) =>
    modules.flatMap(({ path, imports }) =>
      imports.filter((to) => breaks(path, to)).map((to) => `${path}: imports ${to}`),
    )
/** What matches, in the code of modules that `of` takes. */
const codeThat =
  (pattern: RegExp, of: (path: string) => boolean): Rule =>
  (modules) =>
    modules.flatMap(({ path, code }) =>
      of(path) ? [...code.matchAll(pattern)].map(([found]) => `${path}: ${found.trim()}`) : [],
    )
const allOf =
  (...rules: readonly Rule[]): Rule =>
  (modules) =>
    rules.flatMap((rule) => rule(modules))

/** Imports go one way: a layer knows those below it. */
export const oneWay: Rule = allOf(
  (modules) => modules.filter(({ path }) => layerOf(path) === -1).map(({ path }) => `${path}: is in no layer`),
  importsThat((from, to) => layerOf(to) > layerOf(from)),
)

/** A service is entered by its index.ts, and services do not know one another; all of them know what a realm is. */
export const servicesApart: Rule = importsThat((from, to) => {
  if (!to.startsWith('services/') || folder(from, 2) === folder(to, 2)) return false
  if (to === 'services/realm/index.ts') return from.startsWith('services/realm/')
  return from.startsWith('services/') || to.split('/')[2] !== 'index.ts'
})

/** Contracts know the kit and nothing of one another; only the registry knows them. */
export const contractsApart: Rule = importsThat((from, to) => {
  const target = folder(to, 2)
  if (!to.startsWith('contracts/') || to.split('/').length < 3 || target === 'contracts/_kit') return false
  return folder(from, 2) !== target && from !== 'contracts/registry.ts'
})

/** No circle of imports, also none of types. */
export const noCircles: Rule = (modules) => {
  const imports = new Map(modules.map((one) => [one.path, one.imports]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path)
    if (start !== -1) return void found.push(`${path}: ${[...way.slice(start), path].join(' -> ')}`)
    if (done.has(path)) return
    for (const next of imports.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const { path } of modules) visit(path, [])
  return found
}

/** What only one place may use: the environment, the end of the process, the clock, and ids. */
export const onePlace: Rule = allOf(
  codeThat(/process\.env\b/g, (path) => path !== 'config/config.ts'),
  codeThat(/process\.exit\(/g, (path) => path !== 'main.ts'),
  codeThat(/\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bhrtime\b/g, (path) => path !== 'platform/clock.ts'),
  codeThat(/\brandomUUID\b|\buuidv7\b/g, (path) => path !== 'platform/ids.ts'),
)

/** What two documents call alike is neither's alone. */
const inContract = (path: string): boolean => /^contracts\/[a-z]\w*\//.test(path)

const ioPackages =
  /^(node:)?(fs|net|tls|http|http2|https|dns|dgram|child_process|worker_threads|cluster)(\/|$)|^(undici|pg|ioredis|nodemailer|s3mini|sharp|cockatiel|rate-limiter-flexible)$/

/** Contracts are data: they open no file, no connection and no process. */
export const contractsDoNoIo: Rule = (modules) =>
  modules
    .filter(({ path }) => path.startsWith('contracts/'))
    .flatMap(({ path, packages, code }) => [
      ...packages.filter((name) => ioPackages.test(name)).map((name) => `${path}: imports ${name}`),
      ...[...code.matchAll(/(?<![.\w])fetch\(|\bWebSocket\b/g)].map(([found]) => `${path}: ${found}`),
    ])

/**
 * What is one contract's stands in its folder: its name, and what its document alone calls something.
 * @param words by contract
 */
export const ownWordsAtHome =
  (words: Readonly<Record<string, readonly string[]>>): Rule =>
  (modules) =>
    Object.entries(words).flatMap(([contract, own]) => {
      const elsewhere = modules.filter(
        ({ path }) => folder(path, 2) !== `contracts/${contract}` && path !== 'contracts/registry.ts',
      )
      const known = new Set(own)
      // `tenants` and `clients` are words of everybody: as a name of a contract they stand in strings, or behind `contracts.`.
      const name = new RegExp(`^${contract}(/|$)|--contract ${contract}\\b|\\b${contract.toUpperCase()}_[A-Z]`)
      const member = new RegExp(`\\bcontracts\\.${contract}\\b|\\bcontracts/${contract}/`, 'g')
      return elsewhere.flatMap(({ path, strings, code }) => [
        ...strings
          .filter((text) => (known.has(text) && !inContract(path)) || name.test(text))
          .map((text) => `${path}: "${text}" of ${contract}`),
        ...[...code.matchAll(member)].map(([found]) => `${path}: ${found}`),
      ])
    })

/** Files are small. The figures are lines. */
export const small: Rule = (modules) => {
  const lengths = modules
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .sort((one, other) => one.lines - other.lines)
  const at = (share: number) => lengths[Math.floor(lengths.length * share)]?.lines ?? 0
  const limits = [
    { what: 'the median', lines: at(0.5), most: 65 },
    { what: 'nine of ten', lines: at(0.9), most: 145 },
  ]
  return [
    ...limits
      .filter(({ lines, most }) => lines > most)
      .map(({ what, lines, most }) => `${what}: ${lines} of ${most} lines`),
    ...lengths.filter(({ lines }) => lines > 300).map(({ path, lines }) => `${path}: ${lines} lines`),
  ]
}

/** Names say what something is, in the words of the field. */
export const goodNames: Rule = (modules) =>
  modules.flatMap(({ path, code }) => [
    ...(/(^|\/)(utils?|helpers?|common|managers?|misc)(\.ts|\/)/.test(path) ? [`${path}: says nothing`] : []),
    ...[...code.matchAll(retiredNames)].map(([found]) => `${path}: ${found}`),
  ])

/** Words that the tree once had for what the field calls something else. */
const retiredNames =
  /\b(Terms|terms|termsOf|Visitor|visitor|Visit|Inquiry|Asker|World|Bell|handOut|heldFor|remembered|tokenStands|Misfit|misfits?|Refusal|refusal|putOff|setAside|bury\w*|Sought|sought|forServices|plantDemo|unheard|FirstLines)\b/g

/** Files are not named by prefixes that stand in for folders: at most two of a folder begin with the same word and a hyphen, unless it is a verb. */
export const foldersNotPrefixes: Rule = (modules) => {
  const groups = new Map<string, string[]>()
  for (const { path } of modules) {
    const [, where = '', prefix = ''] = /^(.*\/)?([a-z0-9]+)(?:-[\w-]+)?\.ts$/.exec(path) ?? []
    if (verbs.has(prefix)) continue
    groups.set(`${where}${prefix}-`, [...(groups.get(`${where}${prefix}-`) ?? []), path])
  }
  return [...groups].filter(([, paths]) => paths.length > 2).map(([prefix, paths]) => `${prefix}*: ${paths.join(', ')}`)
}
const verbs = new Set([
  'change',
  'read',
  'import',
  'create',
  'verify',
  'make',
  'remove',
  'follow',
  'add',
  'find',
  'write',
])

/** Whoever switches a check off says why. */
export const reasonedSuppressions: Rule = (modules) =>
  modules
    .filter(({ text }) => /@ts-(ignore|expect-error)(?! \S)|biome-ignore [^:\n]*$/m.test(text))
    .map(({ path }) => `${path}: a suppression without its reason`)
