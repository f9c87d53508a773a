import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold, orderOf } from './fold.ts'
import { wordsOf } from './indexed-words.ts'

/** Any text at all: half surrogate pairs, NUL, right to left, what is not assigned. */
const anything = fc.string({ unit: 'binary', maxLength: 200 })

describe('folding', () => {
  test.each([
    ['Éloïse', 'eloise'],
    ['ÉLOÏSE', 'eloise'],
    ['E\u0301loi\u0308se', 'eloise'],
    ['Straße', 'strasse'],
    ['STRAẞE', 'strasse'],
    ['Œuvre', 'oeuvre'],
    ['Æsir', 'aesir'],
    ['Øystein', 'oystein'],
    ['Łukasz', 'lukasz'],
    ['Đorđe', 'dorde'],
    ['Þór', 'thor'],
    ['İstanbul', 'istanbul'],
    ['ısı', 'isi'],
    ['ﬁancée', 'fiancee'],
    ['Ｆｕｌｌ', 'full'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευσ'],
    ['Ὀδυσσεύς', 'οδυσσευσ'],
    ['Андрей', 'андреи'],
    ['שָׁלוֹם', 'שלום'],
    ['مُحَمَّد', 'محمد'],
    ['soft\u00adhyphen', 'softhyphen'],
    ['\u200fright to left', 'right to left'],
    ['😀', '😀'],
    ['', ''],
  ])('%j is searched as %j', (text, folded) => {
    expect(fold(text)).toBe(folded)
  })

  test.each([
    ['कि', 'क'],
    ['が', 'か'],
    ['김', '기'],
  ])('keeps %j apart from %j', (one, other) => {
    expect(fold(one)).not.toBe(fold(other))
  })

  test('twice is folding once, and never fails', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(fold(fold(text))).toBe(fold(text))
      }),
      { numRuns: 2_000 },
    )
  })

  test('does not know capitals or composed accents', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        expect(fold(text.normalize('NFD'))).toBe(fold(text.normalize('NFC')))
        expect(fold(text.toLowerCase())).toBe(fold(text))
      }),
    )
  })
})

describe('the key that a text is sorted by', () => {
  test('puts É among E, and blank texts with those that have none', () => {
    const names = ['Zoé', 'Éloïse', 'eva', 'Emil', 'Ötzi', 'Œdipe', 'oda']
    const sorted = names.toSorted((one, other) => ((orderOf(one) ?? '') < (orderOf(other) ?? '') ? -1 : 1))
    expect(sorted).toEqual(['Éloïse', 'Emil', 'eva', 'oda', 'Œdipe', 'Ötzi', 'Zoé'])
    expect([orderOf(null), orderOf(''), orderOf('  ')]).toEqual([null, null, null])
  })

  test('is bounded', () => {
    expect([...(orderOf('é'.repeat(10_000)) ?? '')]).toHaveLength(100)
    expect([...(orderOf('\ufdfa'.repeat(10_000)) ?? '')]).toHaveLength(100)
  })
})

describe('the words of a profile', () => {
  const nobody = { firstName: null, lastName: null, displayName: null, email: null, department: null, jobTitle: null }

  test('are those of all its names, and the address whole and in parts', () => {
    const words = wordsOf({
      firstName: 'Éloïse Marie',
      lastName: "O'Brien",
      displayName: 'Élo',
      email: 'E.OBrien+test@Mail.example.org',
      department: 'Forschung & Entwicklung',
      jobTitle: 'Ingénieure (R&D)',
    })
    expect(new Set(words)).toEqual(
      new Set(
        'eloise marie o brien elo e.obrien+test@mail.example.org e obrien test mail example org forschung entwicklung ingenieure r d'.split(
          ' ',
        ),
      ),
    )
  })

  test('never begin like a facet', () => {
    expect(wordsOf({ ...nobody, email: '==role@example.org', firstName: '=tenant main' })).toEqual(
      expect.arrayContaining(['role@example.org', 'tenant', 'main']),
    )
    fc.assert(
      fc.property(anything, anything, (email, firstName) => {
        expect(wordsOf({ ...nobody, email, firstName }).filter((word) => word.startsWith('=') || word === '')).toEqual(
          [],
        )
      }),
    )
  })

  test('are bounded, whatever comes', () => {
    const long = Array.from({ length: 5_000 }, (_, index) => `word${index}`).join(' ')
    expect(wordsOf({ ...nobody, firstName: long }).length).toBeLessThanOrEqual(60)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 5_000, maxLength: 20_000 }), (text) => {
        const words = wordsOf({ ...nobody, email: text, lastName: text, firstName: text.replaceAll(/\s/g, '') })
        expect(words.length).toBeLessThanOrEqual(60)
        for (const word of words) expect(Buffer.byteLength(word)).toBeLessThan(2_046)
      }),
      { numRuns: 30 },
    )
  })
})
