import type { PasswordRule } from '../../realm/index.ts'
import type { IdentityErrorCode } from '../errors.ts'
import { longestPassword } from '../limits.ts'
import { judgePassword } from './strength.ts'

/** Why a password is not taken. */
export type PasswordProblem = Extract<IdentityErrorCode, `identity.password_${string}`>

/**
 * What is wrong with a new password by the rule; nothing when it may be taken. Dictionaries are asked only about what fits the
 * rest. Refuses with `identity.busy` when too many passwords wait to be judged.
 * @param own the person's e-mail address, names, tenant: a password made from them scores low
 */
export async function checkPassword(
  password: string,
  rule: PasswordRule,
  own: readonly string[],
): Promise<PasswordProblem[]> {
  const { minLength, kinds = 0, refuseCommon = false, refuseResembling = false, minScore = 0 } = rule
  // Said alone: whatever else might be wrong with it would only cost.
  if (password.length > (rule.maxLength ?? longestPassword)) return ['identity.password_too_long']
  const problems: PasswordProblem[] = []
  // Code points, as NIST SP 800-63B-4 counts characters.
  if ([...password].length < minLength) problems.push('identity.password_too_short')
  if (kindsOf(password) < kinds) problems.push('identity.password_too_simple')
  const wanted = { common: refuseCommon || refuseResembling, resembling: refuseResembling, score: minScore > 0 }
  if (problems.length > 0 || !(wanted.common || wanted.score)) return problems

  const { common, score } = await judgePassword(password, partsOf(own), wanted)
  if (common) problems.push('identity.password_too_common')
  if (score !== undefined && score < minScore) problems.push('identity.password_too_weak')
  return problems
}

/** The rule with what a tenant makes stricter; a setting that would loosen it changes nothing. */
export function strictest(rule: PasswordRule, settings: { readonly minPasswordScore?: number } = {}): PasswordRule {
  const { minPasswordScore = 0 } = settings
  return minPasswordScore > (rule.minScore ?? 0) ? { ...rule, minScore: Math.min(minPasswordScore, 4) } : rule
}

/** Upper, lower, digit and other, in any script; a letter without case is other. */
const kindPatterns = [/\p{Lu}/u, /\p{Ll}/u, /\p{Nd}/u, /[^\p{Lu}\p{Ll}\p{Nd}]/u]

const kindsOf = (password: string): number => kindPatterns.filter((kind) => kind.test(password)).length

const mostParts = 32
const shortestPart = 3
const longestPart = 64

/** What stands in a person's own data, whole and by word: `jean.dupont@example.org` is also `jean`, `dupont` and `example`. */
function partsOf(own: readonly string[]): string[] {
  const texts = own.map((text) => text.slice(0, 4 * longestPart).toLowerCase())
  const parts = texts.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)])
  const fitting = parts.filter(({ length }) => length >= shortestPart && length <= longestPart)
  return [...new Set(fitting)].slice(0, mostParts)
}
