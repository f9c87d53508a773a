import Type from 'typebox'
import { Refusal } from '../../../platform/errors.ts'
import type { Client, IdentityErrorCode, Locale, Terms } from '../../../services/identity/index.ts'
import { type Route, reply, route } from '../contract.ts'
import {
  linkFailedPage,
  passwordChangedPage,
  resetPasswordPage,
  verifiedPage,
  verifyEmailPage,
} from './account-pages.ts'

/** Where a contract's pages are; its mailed links may lead there. */
export const pagePaths = (contract: string) => ({
  verifyEmail: `/account/${contract}/verify-email`,
  resetPassword: `/account/${contract}/reset-password`,
})

const Token = Type.String({ maxLength: 200 })
const Page = Type.String()
const pages = { 200: Page, 400: Page }

/** The language of a page: what the browser asks for, else the contract's. */
const speakerOf = ({ terms, locale }: Client) => ({ title: terms.title, locale: locale ?? terms.policy.locale })

/** What the page says of the contract's rule for passwords. */
const ruleOf = ({ terms }: Client) => {
  const { minLength, kinds = 0 } = terms.policy.password
  return { minLength, kinds }
}

/** The pages that the links in a contract's mail open: each shows a button, and only the button does something. */
export function accountPages(terms: Terms): Route<'identity'>[] {
  const paths = pagePaths(terms.name)
  return [
    ...(terms.links.verifyEmail ? verifyEmailPages(paths.verifyEmail) : []),
    ...(terms.links.resetPassword ? resetPasswordPages(paths.resetPassword) : []),
  ]
}

const common = { service: 'identity', access: 'public', html: true, replies: pages } as const

const verifyEmailPages = (url: string): Route<'identity'>[] => [
  route({
    ...common,
    method: 'GET',
    url,
    summary: 'Ask whether to confirm an e-mail address',
    limit: 'read',
    query: Type.Object({ token: Token }),
    async handler(_identity, { query, client }) {
      return reply(200, verifyEmailPage({ ...speakerOf(client), action: url, token: query.token }))
    },
  }),
  route({
    ...common,
    method: 'POST',
    url,
    summary: 'Confirm an e-mail address',
    limit: 'credentials',
    body: Type.Object({ token: Token }),
    async handler(identity, { body, client }) {
      const speaker = speakerOf(client)
      return whenLinkFails(client, async () => {
        const { already } = await identity.verifyEmail({ token: body.token }, client)
        return reply(200, verifiedPage({ ...speaker, already }))
      })
    },
  }),
]

const resetPasswordPages = (url: string): Route<'identity'>[] => [
  route({
    ...common,
    method: 'GET',
    url,
    summary: 'Ask for a new password',
    limit: 'read',
    query: Type.Object({ token: Token }),
    async handler(_identity, { query, client }) {
      return reply(200, resetPasswordPage({ ...speakerOf(client), ...ruleOf(client), action: url, token: query.token }))
    },
  }),
  route({
    ...common,
    method: 'POST',
    url,
    summary: 'Set a new password',
    limit: 'credentials',
    body: Type.Object({ token: Token, password: Type.String(), confirmation: Type.String() }),
    async handler(identity, { body, client }) {
      const { token, password, confirmation } = body
      const speaker = speakerOf(client)
      const again = (problem: string) =>
        reply(400, resetPasswordPage({ ...speaker, ...ruleOf(client), action: url, token, problem }))
      if (password !== confirmation) return again(problems[speaker.locale]['identity.password_mismatch'])
      return whenLinkFails(client, async () => {
        try {
          await identity.resetPassword({ token, password }, client)
          return reply(200, passwordChangedPage(speaker))
        } catch (error) {
          const problem = error instanceof Refusal ? problems[speaker.locale][error.code as PasswordProblem] : undefined
          if (problem === undefined) throw error
          return again(problem)
        }
      })
    },
  }),
]

/** The page that says so, when a link leads nowhere. */
async function whenLinkFails<Answer>(client: Client, work: () => Promise<Answer>) {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'identity.invalid_link') throw error
    return reply(400, linkFailedPage({ ...speakerOf(client), reason: 'expired_or_used' }))
  }
}

type PasswordProblem = Extract<IdentityErrorCode, `identity.password_${string}`>

const problems: Readonly<Record<Locale, Record<PasswordProblem, string>>> = {
  en: {
    'identity.password_mismatch': 'The two passwords differ. Type the same one twice.',
    'identity.password_too_short': 'This password is too short.',
    'identity.password_too_long': 'This password is too long: 256 characters at most.',
    'identity.password_too_simple': 'Use more kinds of characters: upper and lower case, digits, signs.',
    'identity.password_too_common': 'This password is in lists of common passwords. Choose another one.',
    'identity.password_too_weak':
      'This password is easy to guess. Make it longer or less like common words and your own data.',
  },
  fr: {
    'identity.password_mismatch': 'Les deux mots de passe sont différents. Saisissez deux fois le même.',
    'identity.password_too_short': 'Ce mot de passe est trop court.',
    'identity.password_too_long': 'Ce mot de passe est trop long : 256 caractères au plus.',
    'identity.password_too_simple': 'Variez les caractères : majuscules, minuscules, chiffres, signes.',
    'identity.password_too_common': 'Ce mot de passe figure parmi les plus courants. Choisissez-en un autre.',
    'identity.password_too_weak':
      'Ce mot de passe se devine facilement. Allongez-le, sans mots courants ni données personnelles.',
  },
}
