import { departmentFacet, grantedFacet, roleFacet, tenantFacet } from './facets.ts'
import { firstOf, fold } from './fold.ts'
import { addressIn, wordsIn } from './indexed-words.ts'

/** UTF-16 units of a search that are read, and words of it that count. */
const longestSearch = 256
const mostWords = 8
/** Letters of a word by which `totals` counts it. */
const countedLetters = 5

/** One condition. */
export interface Part {
  /** A tsquery. */
  text: string
  /** A term that each profile which fits has: where its total is 0 there is none. */
  term: string
  /** The totals that say how many fit, to be added and to be taken away; undefined when only counting tells. */
  total: { plus: readonly string[]; minus: readonly string[] } | undefined
}

/** What profiles are looked for by: at least one condition. */
export type Query = readonly [Part, ...Part[]]

export interface Wanted {
  tenant: string
  /** Words of which each begins a word of the profile; blank is as good as absent. */
  text?: string | undefined
  department?: string | undefined
  role?: { name: string; person: string } | undefined
}

/** The query for all that is wanted at once: `everybody` when nothing is, `nobody` for a text without any word, which nothing fits. */
export function queryOf({ tenant, text, department, role }: Wanted): Query | 'everybody' | 'nobody' {
  const asked = text !== undefined && text.trim() !== ''
  const words = asked ? searchedWords(text) : []
  if (asked && words.length === 0) return 'nobody'
  const [first, ...others] = [
    ...words.map(wordPart),
    ...(department === undefined ? [] : [facetPart(departmentFacet(department))]),
    ...(role ? [rolePart(role, tenant)] : []),
  ]
  return first ? [first, ...others] : 'everybody'
}

const wordPart = (word: string): Part => {
  const term = firstOf(word, countedLetters)
  return { text: `${quoted(word)}:*`, term, total: term === word ? { plus: [term], minus: [] } : undefined }
}

const facetPart = (facet: string): Part => ({ text: quoted(facet), term: facet, total: { plus: [facet], minus: [] } })

/** Whoever was granted no role has a person's, which may have been granted too. */
const rolePart = ({ name, person }: NonNullable<Wanted['role']>, tenant: string): Part => {
  const [everybody, granted, role] = [tenantFacet(tenant), grantedFacet, roleFacet(name)]
  if (name !== person) return facetPart(role)
  return {
    // An index finds what is there, so what is not is asked among everybody.
    text: `${quoted(everybody)} & (!${quoted(granted)} | ${quoted(role)})`,
    term: everybody,
    total: { plus: [everybody, role], minus: [granted] },
  }
}

function searchedWords(text: string): string[] {
  const words = fold(text.slice(0, longestSearch))
    .split(/\s+/)
    .map(bare)
    .flatMap((token) => (token.indexOf('@') > 0 ? [addressIn(token)] : wordsIn(token)))
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
  // Where a word is found, so is its beginning.
  const longest = [...new Set(words)].filter((word, _, all) => !all.some((one) => one !== word && one.startsWith(word)))
  return longest.slice(0, mostWords)
}

/** An address without what it may stand between. */
const bare = (token: string): string => token.replace(/^[<("'[]+/, '').replace(/[>)"'\],;:.]+$/, '')

/** A lexeme inside a tsquery: there, quotes and backslashes stand doubled. */
const quoted = (lexeme: string): string => `'${lexeme.replaceAll(/['\\]/g, '$&$&')}'`
