import type { ProfileRow } from '../profile.ts'
import { firstOf, fold } from './fold.ts'

/** Code points of a word that count. */
const longestWord = 64
/** Code points of an address that count. */
const longestAddress = 254
/** Words of a profile, far more than names, address, department and job title have. */
const mostWords = 60
/** UTF-16 units of a text that is read. */
const longestText = 1_000

const wordPattern = /[\p{L}\p{N}\p{M}]+/gu

/** The words of a folded text, each cut at what counts of it. */
export const wordsIn = (folded: string): string[] =>
  (folded.match(wordPattern) ?? []).map((word) => firstOf(word, longestWord))

/** An address as it is found from its beginning. What begins with "=" is no word, see facets.ts. */
export const addressIn = (folded: string): string =>
  firstOf(folded.replaceAll(/[\s\0]/g, '').replace(/^=+/, ''), longestAddress)

/** What of a profile is searched. */
const searched = ['firstName', 'lastName', 'displayName', 'email', 'department', 'jobTitle'] as const
export type Searched = Pick<ProfileRow, (typeof searched)[number]>

/** The words that a profile is found by: of names, department and job title, and the e-mail address whole and in parts. */
export function wordsOf(profile: Searched): string[] {
  const words = new Set<string>()
  for (const text of searched.map((name) => profile[name])) {
    if (text === null) continue
    const folded = fold(text.slice(0, longestText))
    if (text === profile.email) words.add(addressIn(folded))
    for (const word of wordsIn(folded)) words.add(word)
  }
  words.delete('')
  return [...words].slice(0, mostWords)
}
