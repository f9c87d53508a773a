import Type from 'typebox'
import { DomainError } from '../../../platform/errors.ts'
import type { Realm, RequestContext } from '../../../services/realm/index.ts'
import { type Route, reply, route } from '../contract.ts'
import { linkMailedPage, passwordChangedPage, resetPasswordPage } from './account.ts'
import { codePage, identifyPage } from './forms.ts'
import { common, Field, formAnswer, speakerOf, Token } from './page-route.ts'
import { pagePaths } from './paths.ts'

/** What the page says of the realm's rule for passwords. */
const ruleOf = ({ realm }: RequestContext) => {
  const { minLength, kinds = 0 } = realm.policy.password
  return { minLength, kinds }
}

/** Choosing a password: by a mailed link, by the present one, and asking for the link. */
export function passwordPages({ name, policy }: Realm): Route<'identity'>[] {
  const { resetPassword, choosePassword, forgotPassword } = pagePaths(name)
  const Tenant = policy.tenant === 'named' ? { tenant: Field } : {}
  const asks = { tenant: policy.tenant === 'named' }
  const choose = (context: RequestContext, token: string, problem?: string) =>
    resetPasswordPage({
      ...speakerOf(context),
      ...ruleOf(context),
      action: resetPassword,
      token,
      ...(problem !== undefined && { problem }),
    })
  const identify = (context: RequestContext, purpose: 'forgot' | 'choose', problem?: string) =>
    identifyPage({
      ...speakerOf(context),
      ...asks,
      purpose,
      action: purpose === 'forgot' ? forgotPassword : choosePassword,
      other: purpose === 'forgot' ? choosePassword : forgotPassword,
      problem,
    })
  const tenantIn = (body: object): string | undefined =>
    'tenant' in body && typeof body.tenant === 'string' ? body.tenant : undefined

  return [
    route('identity', 'GET', resetPassword, {
      ...common,
      summary: 'Ask for a new password',
      query: Type.Object({ token: Token }),
      async handler(_identity, { query, context }) {
        return reply(200, choose(context, query.token))
      },
    }),
    route('identity', 'POST', resetPassword, {
      ...common,
      summary: 'Set a new password',
      limit: 'credentials',
      body: Type.Object({ token: Token, password: Type.String(), confirmation: Type.String() }),
      handler: (identity, { body, context }) =>
        formAnswer(
          context,
          async () => {
            const { token, password, confirmation } = body
            if (password !== confirmation) throw new DomainError('identity.password_mismatch')
            await identity.resetPassword({ token, password }, context)
            return passwordChangedPage(speakerOf(context))
          },
          (problem) => choose(context, body.token, problem),
        ),
    }),
    route('identity', 'GET', choosePassword, {
      ...common,
      summary: 'Ask for the present password, to choose another one',
      async handler(_identity, { context }) {
        return reply(200, identify(context, 'choose'))
      },
    }),
    route('identity', 'POST', choosePassword, {
      ...common,
      summary: 'Show that one knows the present password',
      limit: 'credentials',
      body: Type.Union([
        Type.Object({ identifier: Field, password: Type.String(), ...Tenant }),
        Type.Object({ session_token: Token, code: Field }),
      ]),
      limitBy: (body) => ('identifier' in body ? String(body.identifier) : undefined),
      handler: (identity, { body, context }) =>
        formAnswer(
          context,
          async () => {
            const shown =
              'identifier' in body
                ? await identity.choosePassword({ ...body, tenant: tenantIn(body) }, context)
                : await identity.choosePasswordByCode({ sessionToken: body.session_token, code: body.code }, context)
            if (shown.kind === 'ticket') return choose(context, shown.token)
            return codePage({ ...speakerOf(context), action: choosePassword, ...shown.challenge })
          },
          (problem) => identify(context, 'choose', problem),
        ),
    }),
    route('identity', 'GET', forgotPassword, {
      ...common,
      summary: 'Ask where to mail a link to choose a password',
      async handler(_identity, { context }) {
        return reply(200, identify(context, 'forgot'))
      },
    }),
    route('identity', 'POST', forgotPassword, {
      ...common,
      summary: 'Have a link mailed to choose a password',
      limit: 'mail',
      body: Type.Object({ identifier: Field, ...Tenant }),
      limitBy: ({ identifier }) => String(identifier),
      async handler(identity, { body, context }) {
        await identity.requestPasswordReset({ email: String(body.identifier), tenant: tenantIn(body) }, context)
        return reply(200, linkMailedPage(speakerOf(context)))
      },
    }),
  ]
}
