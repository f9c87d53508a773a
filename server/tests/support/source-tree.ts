import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** One module of the server, as the rules of the tree see it. */
export interface Module {
  /** Path below src, with `/`. */
  path: string
  text: string
  /** The text without comments and without what strings say. */
  code: string
  /** What its strings say: all of them, and the fixed parts of templates. */
  strings: string[]
  /** Modules of ours that it imports, types included, as paths below src. */
  imports: string[]
  /** Packages and Node's own modules that it imports values from. */
  packages: string[]
}

/** Comments, strings and regular expressions, in the order in which one hides another. */
const tokens =
  /(?<comment>\/\*[\s\S]*?\*\/|\/\/[^\n]*)|(?<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|(?<regex>(?<=[=(,:!&|?{}\n[]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[dgimsuvy]*)/g

const importForms =
  /^(?:import|export)\b(?<type>\s+type\b)?[^'"`;]*?from\s*['"](?<from>[^'"]+)['"]|^import\s*['"](?<bare>[^'"]+)['"]|\bimport\(\s*['"](?<lazy>[^'"]+)['"]\s*\)|import\.meta\.resolve\(\s*['"](?<resolved>[^'"]+)['"]/gm

/** Reads one module. `path` is below `server/src`. */
export function moduleOf(path: string, text: string): Module {
  const strings: string[] = []
  const bare = text.replace(tokens, (_all, comment: string | undefined, string: string | undefined) => {
    if (comment !== undefined) return ''
    if (string === undefined) return '/./'
    strings.push(string.slice(1, -1))
    return "''"
  })
  const uncommented = text.replace(tokens, (all, comment: string | undefined) => (comment === undefined ? all : ''))
  const imports: string[] = []
  const packages: string[] = []
  for (const { groups = {} } of uncommented.matchAll(importForms)) {
    const target = groups.from ?? groups.bare ?? groups.lazy ?? groups.resolved ?? ''
    if (target.startsWith('.')) imports.push(relative('/', resolve('/', dirname(path), target)))
    else if (groups.type === undefined) packages.push(target)
  }
  return { path, text, code: bare, strings, imports, packages }
}

/** Every TypeScript module below a folder. */
export const readTree = (folder: string): Module[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => moduleOf(path.replaceAll('\\', '/'), readFileSync(join(folder, path), 'utf8')))
