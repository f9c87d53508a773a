import Type from 'typebox'
import type { Realm } from '../../../services/realm/index.ts'
import { type Route, reply, route } from '../contract.ts'
import { verifiedPage, verifyEmailPage } from './account.ts'
import { common, linkAnswer, speakerOf, Token } from './page-route.ts'
import { pagePaths } from './paths.ts'

export function verifyEmailPages({ name }: Realm): Route<'identity'>[] {
  const url = pagePaths(name).verifyEmail
  return [
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
      handler: (identity, { body, context }) =>
        linkAnswer(context, async () => {
          const { already } = await identity.verifyEmail({ token: body.token }, context)
          return verifiedPage({ ...speakerOf(context), already })
        }),
    }),
  ]
}
