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
  // What is in no layer, as the tests and the examples, is above all of them.
  importsThat((from, to) => layerOf(to) > layerOf(from) || (layerOf(to) === -1 && to !== '../package.json')),
  // A path that is put together cannot be followed.
  codeThat(/\b(?:import|require)\((?!\s*''\s*[,)])[^)]*/g, (path) => path !== 'main.ts'),
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
  codeThat(/\bprocess\.env\b/g, (path) => path !== 'config/config.ts'),
  codeThat(/\bprocess\.(?:exit|abort)\b/g, (path) => path !== 'main.ts'),
  // Taken apart, renamed or by a text, nobody could tell what of it is used.
  codeThat(
    /\b(?:process|Date|performance|globalThis)(?:\?\.)?\[|= (?:process|Date|performance|globalThis)\n/g,
    () => true,
  ),
  (modules) =>
    modules
      .filter(({ packages }) => packages.some((name) => /^(node:)?(process|perf_hooks)$/.test(name)))
      .map(({ path }) => `${path}: imports what is there without`),
  codeThat(
    /\bDate\.now\b|\bnew Date\b(?!\(\s*[^\s)])|(?<!new )\bDate\(|\bperformance\.(?:now|timeOrigin)\b|\bhrtime\b|\bTemporal\.Now\b/g,
    (path) => path !== 'platform/clock.ts',
  ),
  codeThat(/\brandomUUID\b|\buuidv[47]\b|\bnanoid\b/g, (path) => path !== 'platform/ids.ts'),
)

/** All that contracts need, of the platform what computes, and the client that a contract describes its questions to. */
const harmless =
  /^(typebox(\/.*)?|cookie)$|^platform\/((clock|errors|html|ids|secrets)\.ts|http\/(guarded-client|internal-client|schema|status)\.ts|tokens\/verifier\.ts)$/

/** Contracts are data: they open no file, no connection and no process, and nothing of the platform that does. */
export const contractsDoNoIo: Rule = (modules) =>
  modules
    .filter(({ path }) => path.startsWith('contracts/'))
    .flatMap(({ path, packages, values, code }) => [
      ...[...packages, ...values.filter((to) => to.startsWith('platform/'))]
        .filter((name) => !harmless.test(name))
        .map((name) => `${path}: imports ${name}`),
      ...[...code.matchAll(/(?<![.\w])fetch\(|\bglobalThis\.fetch\b|\bWebSocket\b|\bgetBuiltinModule\b/g)].map(
        ([found]) => `${path}: ${found}`,
      ),
    ])

/** Contracts that are called by words of everybody: as their names these count in strings, and behind `contracts.`. */
const everydayNames = new Set(['tenants', 'clients'])

/**
 * What is one contract's stands in its folder: its name, also in comments, and what its document alone calls something.
 * @param words by contract; of those that another contract has too, none owns any
 */
export const ownWordsAtHome =
  (words: Readonly<Record<string, readonly string[]>>): Rule =>
  (modules) =>
    Object.entries(words).flatMap(([contract, own]) => {
      const elsewhere = modules.filter(
        ({ path }) => folder(path, 2) !== `contracts/${contract}` && path !== 'contracts/registry.ts',
      )
      const name = everydayNames.has(contract)
        ? new RegExp(`^${contract}(/|$)|--contract ${contract}\\b|\\b${contract.toUpperCase()}_[A-Z]`)
        : new RegExp(
            `(?<![A-Za-z])${contract}|${contract.charAt(0).toUpperCase()}${contract.slice(1)}|\\b${contract.toUpperCase()}_`,
          )
      const member = new RegExp(`\\bcontracts\\.${contract}\\b|\\bcontracts/${contract}/`, 'g')
      const escaped = own.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      const word = new RegExp(`(?<![\\w./-])(?:${escaped.join('|') || '(?!)'})(?![\\w/-])`, 'i')
      return elsewhere.flatMap(({ path, strings, code, text }) => [
        ...strings
          .filter((said) => name.test(said) || (word.test(said) && !/^contracts\/[a-z]/.test(path)))
          .map((said) => `${path}: "${said}" of ${contract}`),
        ...[...code.matchAll(member)].map(([found]) => `${path}: ${found}`),
        ...(!everydayNames.has(contract) && name.test(`${path}\n${text}`) ? [`${path}: names ${contract}`] : []),
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

/** Names say what something is, in the words of the field, and hide nothing that is there without. */
export const goodNames: Rule = (modules) =>
  modules.flatMap(({ path, code, strings }) => {
    // A text of one word may be the name of a field.
    const names = [...(code.match(/[A-Za-z_$][\w$]*/g) ?? []), ...strings.filter((said) => /^\w+$/.test(said))]
    return [
      ...(/(^|\/)(utils?|helpers?|common|shared|lib|managers?|misc|words|terms|first-lines)(\.ts|\/)/.test(path)
        ? [`${path}: says nothing`]
        : []),
      ...[...path.matchAll(/[a-z]+/g), ...names.flatMap((name) => [...name.matchAll(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g)])]
        .filter(([word]) => retiredWords.has(word.toLowerCase()))
        .map(([word]) => `${path}: ${word}`),
      ...names.filter((name) => retiredNames.test(name)).map((name) => `${path}: ${name}`),
      ...[...code.matchAll(/\b(?:interface|type|class|enum) ([A-Z]\w*)(?=[ <{])/g)]
        .filter(([, name = '']) => name in globalThis || builtInTypes.has(name))
        .map(([, name]) => `${path}: ${name} shadows a built-in`),
    ]
  })

/** Words that the tree once had for what the field calls something else. */
const retiredWords = new Set(
  `terms visitor visitors visit inquiry asker asking world bell told remembered misfit misfits refusal refusals stranger strangers
  bury buried marks sought unheard echo`.split(/\s+/),
)
const retiredNames =
  /handOut|heldFor|tokenStands|putOff|setAside|forServices|plantDemo|firstStart|firstLines|openRoutes/i

/** Those of TypeScript that are no values. */
const builtInTypes = new Set(
  `Record Partial Required Readonly Pick Omit Exclude Extract NonNullable Parameters ReturnType Awaited Range Window`.split(
    ' ',
  ),
)

/**
 * Files are not named by prefixes that stand in for folders: at most two of a folder begin with the same word and a hyphen, unless it
 * is a verb, and none by the name of a folder beside it.
 */
export const foldersNotPrefixes: Rule = (modules) => {
  const groups = new Map<string, string[]>()
  for (const { path } of modules) {
    const [, where = '', prefix = ''] = /^(.*\/)?([a-z0-9]+)(?:-[\w-]+)?\.ts$/.exec(path) ?? []
    if (prefix === '' || verbs.has(prefix)) continue
    groups.set(`${where}${prefix}-`, [...(groups.get(`${where}${prefix}-`) ?? []), path])
  }
  const folders = new Set(modules.flatMap(({ path }) => path.split('/').map((_, depth) => `${folder(path, depth)}-`)))
  return [...groups]
    .filter(([prefix, paths]) => paths.length > 2 || folders.has(prefix))
    .map(([prefix, paths]) => `${prefix}*: ${paths.join(', ')}`)
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
  'search',
])

/** Whoever switches a check off says why. */
export const reasonedSuppressions: Rule = (modules) =>
  modules
    .filter(({ text }) =>
      /@ts-(ignore|expect-error|nocheck)(?! \S)|biome-ignore[\w-]* [^:\n]*(:\s*)?$|(c8|v8|istanbul) ignore/m.test(text),
    )
    .map(({ path }) => `${path}: a suppression without its reason`)
