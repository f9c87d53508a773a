import Type from 'typebox'
import { DomainError } from '../../../platform/errors.ts'
import type { IdentityErrorCode } from '../../../services/identity/index.ts'
import type { Locale, Realm, RequestContext } from '../../../services/realm/index.ts'
import { type Route, reply, route } from '../contract.ts'
import { linkFailedPage, passwordChangedPage, resetPasswordPage, verifiedPage, verifyEmailPage } from './account.ts'

/** Where a contract's pages are; its mailed links may lead there. */
export const pagePaths = (contract: string) => ({
  verifyEmail: `/account/${contract}/verify-email`,
  resetPassword: `/account/${contract}/reset-password`,
})

const Token = Type.String({ maxLength: 200 })
const Page = Type.String()
const pages = { 200: Page, 400: Page }

/** The language of a page: what the browser asks for, else the contract's. */
const speakerOf = ({ realm, locale }: RequestContext) => ({ title: realm.title, locale: locale ?? realm.policy.locale })

/** What the page says of the contract's rule for passwords. */
const ruleOf = ({ realm }: RequestContext) => {
  const { minLength, kinds = 0 } = realm.policy.password
  return { minLength, kinds }
}

/** The pages that the links in a contract's mail open: each shows a button, and only the button does something. */
export function accountPages(realm: Realm): Route<'identity'>[] {
  const paths = pagePaths(realm.name)
  return [
    ...(realm.links.verifyEmail ? verifyEmailPages(paths.verifyEmail) : []),
    ...(realm.links.resetPassword ? resetPasswordPages(paths.resetPassword) : []),
  ]
}

const common = { access: 'public', html: true, replies: pages } as const

const verifyEmailPages = (url: string): Route<'identity'>[] => [
  route('identity', 'GET', url, {
    ...common,
    summary: 'Ask whether to confirm an e-mail address',
    query: Type.Object({ token: Token }),
    async handler(_identity, { query, context }) {
      return reply(200, verifyEmailPage({ ...speakerOf(context), action: url, token: query.token }))
    },
  }),
  route('identity', 'POST', url, {
    ...common,
    summary: 'Confirm an e-mail address',
    limit: 'credentials',
    body: Type.Object({ token: Token }),
    async handler(identity, { body, context }) {
      const speaker = speakerOf(context)
      return whenLinkFails(context, async () => {
        const { already } = await identity.verifyEmail({ token: body.token }, context)
        return reply(200, verifiedPage({ ...speaker, already }))
      })
    },
  }),
]

const resetPasswordPages = (url: string): Route<'identity'>[] => [
  route('identity', 'GET', url, {
    ...common,
    summary: 'Ask for a new password',
    query: Type.Object({ token: Token }),
    async handler(_identity, { query, context }) {
      return reply(
        200,
        resetPasswordPage({ ...speakerOf(context), ...ruleOf(context), action: url, token: query.token }),
      )
    },
  }),
  route('identity', 'POST', url, {
    ...common,
    summary: 'Set a new password',
    limit: 'credentials',
    body: Type.Object({ token: Token, password: Type.String(), confirmation: Type.String() }),
    async handler(identity, { body, context }) {
      const { token, password, confirmation } = body
      const speaker = speakerOf(context)
      const again = (problem: string) =>
        reply(400, resetPasswordPage({ ...speaker, ...ruleOf(context), action: url, token, problem }))
      if (password !== confirmation) return again(problems[speaker.locale]['identity.password_mismatch'])
      return whenLinkFails(context, async () => {
        try {
          await identity.resetPassword({ token, password }, context)
          return reply(200, passwordChangedPage(speaker))
        } catch (error) {
          const problem =
            error instanceof DomainError ? problems[speaker.locale][error.code as PasswordProblem] : undefined
          if (problem === undefined) throw error
          return again(problem)
        }
      })
    },
  }),
]

/** The page that says so, when a link leads nowhere. */
async function whenLinkFails<Answer>(context: RequestContext, work: () => Promise<Answer>) {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'identity.invalid_link') throw error
    return reply(400, linkFailedPage({ ...speakerOf(context), reason: 'expired_or_used' }))
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
