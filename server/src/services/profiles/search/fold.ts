/** Letters that are typed as others and that Unicode does not take apart. */
const spelledOut: Readonly<Record<string, string>> = {
  ß: 'ss',
  œ: 'oe',
  æ: 'ae',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  ς: 'σ',
}
const letters = new RegExp(`[${Object.keys(spelledOut).join('')}]`, 'g')

/**
 * What is put on letters and left out when one types in a hurry. The vowel signs of Indic scripts and the voicing of kana are
 * letters in their own right, and stay.
 */
const accents = /[[\p{Mn}&&[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}]]--[\u3099\u309a]]/gv
/** Characters that nobody sees, such as the soft hyphen and the marks of direction. */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu

/** Most texts: nothing of them is folded but capitals. */
const plain = /^[ -~]*$/

/**
 * A text as it is searched and sorted: without case, accents and ligatures, in compatibility decomposition. The one place that
 * does it, for rows and queries alike. Folding twice changes nothing.
 */
export const fold = (text: string): string => (plain.test(text) ? text.toLowerCase() : foldFurther(text))

const foldFurther = (text: string): string =>
  text
    .toWellFormed()
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(invisible, '')
    .replaceAll(accents, '')
    .replaceAll(letters, (letter) => spelledOut[letter] ?? letter)

/** The first code points of a text. */
export const firstOf = (text: string, count: number): string => {
  // Whatever has no more units has no more code points either, which is nearly always so.
  if (text.length <= count) return text
  return [...text.slice(0, 2 * count)].slice(0, count).join('')
}

/** Code points of a sort key; beyond them the order is the account's. */
const longestKey = 100

/** What a profile is sorted by: null for nothing, which comes last. */
export const orderOf = (text: string | null): string | null => {
  if (text === null) return null
  return (
    firstOf(
      fold(text.slice(0, 4 * longestKey))
        .replaceAll('\0', '')
        .trim(),
      longestKey,
    ) || null
  )
}
