import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One module of the server, as the rules of the tree see it. */
export interface Module {
  /** Path below src, with `/`. */
  path: string
  text: string
  /** The text without comments and without what strings say; with what templates compute. */
  code: string
  /** What its strings say: all of them, and the fixed parts of templates. */
  strings: string[]
  /** Modules of ours that it imports or starts, types included, as paths below src; outside of it they begin with `..`. */
  imports: string[]
  /** Those of them that it needs when it runs. */
  values: string[]
  /** Packages and Node's own modules that it imports values from. */
  packages: string[]
}

/** Comments, strings, templates (with one level of templates in them) and regular expressions, in the order in which one hides another. */
const tokens =
  /(?<comment>\/\*[\s\S]*?\*\/|\/\/[^\n]*)|(?<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|\$\{(?:[^{}`]|`[^`]*`|\{(?:[^{}`]|`[^`]*`)*\})*\}|[^`\\])*`)|(?<regex>(?<=(?:[=(,:!&|?{}[\n>]|return)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[dgimsuvy]*)/g

/** What a template computes. */
const computed = /\$\{((?:[^{}`]|`[^`]*`|\{(?:[^{}`]|`[^`]*`)*\})*)\}/g

const importForms =
  /^(?:import|export)\b(?<type>\s+type\b)?[^'"`;]*?from\s*['"](?<from>[^'"]+)['"]|^import\s*['"](?<bare>[^'"]+)['"]|\bimport\(\s*['"`](?<lazy>[^'"`]+)['"`]|\brequire\(\s*['"`](?<required>[^'"`]+)['"`]|\bimport\.meta\.resolve\(\s*['"`](?<resolved>[^'"`]+)['"`]|\bnew URL\(\s*['"`](?<url>\.[^'"`]+\.ts)['"`]/gm

/** A text without comments and without what strings say, which is added to `strings`; what templates compute stays. */
const codeOf = (text: string, strings: string[]): string =>
  text.replace(tokens, (_all, comment: string | undefined, string: string | undefined) => {
    if (comment !== undefined) return ''
    if (string === undefined) return '/./'
    if (!string.startsWith('`')) {
      strings.push(string.slice(1, -1))
      return "''"
    }
    strings.push(string.slice(1, -1).replace(computed, '{}'))
    return ["''", ...[...string.matchAll(computed)].map(([, code = '']) => codeOf(code, strings))].join(' + ')
  })

/** Reads one module. `path` is below `server/src`. */
export function moduleOf(path: string, text: string): Module {
  const strings: string[] = []
  const code = codeOf(text, strings)
  const uncommented = text.replace(tokens, (all, comment: string | undefined) => (comment === undefined ? all : ''))
  const imports: string[] = []
  const values: string[] = []
  const packages: string[] = []
  for (const { groups = {} } of uncommented.matchAll(importForms)) {
    const target = groups.from ?? groups.bare ?? groups.lazy ?? groups.required ?? groups.resolved ?? groups.url ?? ''
    const ours = target.startsWith('.') ? join(dirname(path), target) : undefined
    if (ours !== undefined) imports.push(ours)
    if (groups.type === undefined) (ours === undefined ? packages : values).push(ours ?? target)
  }
  return { path, text, code, strings, imports, values, packages }
}

/** Every TypeScript module below a folder. */
export const readTree = (folder: string): Module[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => moduleOf(path.replaceAll('\\', '/'), readFileSync(join(folder, path), 'utf8')))
