import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../../tests/support/test-databases.ts'
import { sql } from '../../../platform/db/database.ts'
import { departmentFacet, facetsOf } from './facets.ts'
import { wordsOf } from './indexed-words.ts'
import { type Query, queryOf } from './query.ts'

const fresh = freshDatabase('search query')
const nobody = { firstName: null, lastName: null, displayName: null, email: null, department: null, jobTitle: null }
const wanted = (text: string | undefined, more: { department?: string } = {}) =>
  queryOf({ tenant: 'main', text, ...more })
const textOf = (query: ReturnType<typeof queryOf>): string =>
  typeof query === 'string' ? query : query.map(({ text }) => text).join(' & ')

/** What the database says of profiles' words and a query. */
const fits = async (words: readonly string[], query: Query): Promise<boolean> =>
  (
    await fresh.database.one(sql<{ fits: boolean }>`
      SELECT array_to_tsvector(${words}::text[]) @@ ${textOf(query)}::tsquery AS fits`)
  ).fits

describe('a search', () => {
  test.each([
    ['élo', "'elo':*"],
    ['Éloïse MARTIN', "'eloise':* & 'martin':*"],
    ['jean-p', "'jean':* & 'p':*"],
    ['jean j je', "'jean':*"],
    ["o'brien", "'o':* & 'brien':*"],
    ['Jean@Example.org', "'jean@example.org':*"],
    ['<jean@example.org>,', "'jean@example.org':*"],
    ["o'b\\c@example.org", "'o''b\\\\c@example.org':*"],
    ['@example.org', "'example':* & 'org':*"],
    ['=tenant', "'tenant':*"],
    ['   ', 'everybody'],
    ['', 'everybody'],
    [undefined, 'everybody'],
    ['?', 'nobody'],
    ['\' & | ! ( ) :* \\ <-> "', 'nobody'],
    ['\0', 'nobody'],
    ['\ud800', 'nobody'],
    ['😀', 'nobody'],
    ['\u200f\u202e', 'nobody'],
    ['@', 'nobody'],
    ['==@', 'nobody'],
  ])('for %j is %j', (text, expected) => {
    expect(textOf(wanted(text))).toBe(expected)
  })

  test('for a person asks for those without a role, and those who were given it', () => {
    const query = queryOf({ tenant: 'main', role: { name: 'user', person: 'user' } })
    expect(textOf(query)).toBe("'=tenant main' & (!'=granted' | '=role user')")
  })

  test('counts at most eight words of the first 256 characters', () => {
    expect(wanted(Array.from({ length: 30 }, (_, index) => `w${index}x`).join(' '))).toHaveLength(8)
    expect(textOf(wanted(`${' '.repeat(255)}ab`))).toBe("'a':*")
  })
})

/** Words in several scripts, with what has a meaning in a tsquery. */
const word = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.constantFrom(
    'Éloïse',
    'Straße',
    "O'Brien",
    'back\\slash',
    'שלום',
    'مُحَمَّد',
    '김철수',
    'ка:*',
    '& | !',
    "''",
    '\\',
    'नमस्ते',
    '𝓐𝓭𝓪',
  ),
)

describe('the database', () => {
  test('takes whatever is typed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.string({ unit: 'grapheme-ascii' }), word),
        fc.option(fc.string({ unit: 'binary', maxLength: 40 }), { nil: undefined }),
        async (text, department) => {
          const query = wanted(text, department === undefined ? {} : { department })
          if (typeof query !== 'string') expect(typeof (await fits(['a'], query))).toBe('boolean')
        },
      ),
      { numRuns: 300 },
    )
  })

  test('takes ten kilobytes of anything', async () => {
    for (const text of [
      "'\\".repeat(5_000),
      'x'.repeat(10_000),
      'x@'.repeat(5_000),
      '\ufdfa@x '.repeat(1_250),
      'a '.repeat(5_000),
    ]) {
      const query = wanted(text, { department: text })
      if (typeof query !== 'string') expect(await fits(['a'], query)).toBe(false)
    }
  })

  test('finds a profile by the beginnings of its words, and by nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(word, word, word, fc.nat(6), async (firstName, lastName, other, letters) => {
        const words = wordsOf({ ...nobody, firstName, lastName })
        const [some = '', last = ''] = [words[0], words.at(-1)].map((one) =>
          [...(one ?? '')].slice(0, letters + 1).join(''),
        )
        const beginnings = wanted(`${last} ${some}`)
        if (beginnings !== 'everybody' && beginnings !== 'nobody') expect(await fits(words, beginnings)).toBe(true)
        const stranger = wanted(other)
        if (stranger === 'everybody' || stranger === 'nobody') return
        // The same said without the database: each word of the search begins one of the profile.
        const searched = wordsOf({ ...nobody, jobTitle: other.includes('@') ? null : other })
        if (searched.length === 0) return
        const expected = searched.every((one) => words.some((known) => known.startsWith(one)))
        expect(await fits(words, stranger)).toBe(expected)
      }),
      { numRuns: 300 },
    )
  })

  test('finds facets whole, by their exact text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.string({ unit: 'binary', maxLength: 60 }),
        async (one, other) => {
          const facets = facetsOf({ tenant: 'main', department: one, role: 'admin' })
          const query = wanted(undefined, { department: other })
          if (typeof query === 'string') throw new Error('a department is a condition')
          expect(await fits(facets, query)).toBe(departmentFacet(one) === departmentFacet(other))
          expect(await fits(facets, wanted(undefined, { department: one }) as Query)).toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })
})
