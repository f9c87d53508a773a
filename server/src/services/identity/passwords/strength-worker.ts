import { parentPort } from 'node:worker_threads'

/** What is asked of a password: whether lists of common ones have it, and its zxcvbn score, 0 to 4. */
export interface Wanted {
  common: boolean
  /** Also what resembles one, or the person's own names. */
  resembling: boolean
  score: boolean
}

export interface Question {
  id: number
  password: string
  own: readonly string[]
  wanted: Wanted
}

export interface Answer {
  id: number
  common: boolean
  score: number | undefined
}

/** Characters that are scored; more would only cost, and half of them have the best score there is. */
const longestScored = 64
/** Spellings with digits for letters that are tried: 100, the default, takes half a second for 64 characters. */
const mostSubstitutions = 12

const load = {
  common: () => import('@zxcvbn-ts/language-common'),
  english: () => import('@zxcvbn-ts/language-en'),
  french: () => import('@zxcvbn-ts/language-fr'),
  core: () => import('@zxcvbn-ts/core'),
}

/** What `make` gives, made at the first call: somebody who only wants the common passwords needs no dictionaries. */
function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let made: Promise<Result> | undefined
  return () => {
    made ??= make()
    return made
  }
}

const commonPasswords = once(async () => {
  const { dictionary } = await load.common()
  return new Set(dictionary['passwords-common'])
})

const meter = once(async () => {
  const [{ ZxcvbnFactory }, common, english, french] = await Promise.all([
    load.core(),
    load.common(),
    load.english(),
    load.french(),
  ])
  return new ZxcvbnFactory({
    graphs: common.adjacencyGraphs,
    dictionary: { ...common.dictionary, ...english.dictionary, ...french.dictionary },
    maxLength: longestScored,
    l33tMaxSubstitutions: mostSubstitutions,
  })
})

/** In the list; where what resembles counts too, also the person's own data, and either with digits and signs before or behind. */
function isCommon({ password, own, wanted }: Question, list: ReadonlySet<string>): boolean {
  const whole = password.toLowerCase()
  if (!wanted.resembling) return list.has(whole)
  const core = whole.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '')
  return [whole, core].some((text) => text !== '' && (list.has(text) || own.includes(text)))
}

parentPort?.on('message', async (question: Question) => {
  const { id, password, own, wanted } = question
  const common = wanted.common && isCommon(question, await commonPasswords())
  const score = wanted.score ? (await meter()).check(password, [...own]).score : undefined
  parentPort?.postMessage({ id, common, score } satisfies Answer)
})
