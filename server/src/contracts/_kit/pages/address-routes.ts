import Type from 'typebox'
import type { Realm } from '../../../services/realm/index.ts'
import { type Route, route } from '../contract.ts'
import { addressChangedPage, addressUndonePage } from './account.ts'
import { addressPage, codePage } from './forms.ts'
import { common, Field, formAnswer, linkAnswer, speakerOf, Token } from './page-route.ts'
import { pagePaths } from './paths.ts'

/** Moving to another address, and taking it back. */
export function addressPages({ name }: Realm): Route<'identity'>[] {
  const { changeAddress, undoAddress } = pagePaths(name)
  return [
    route('identity', 'GET', changeAddress, {
      ...common,
      summary: 'Ask for the password, to use a new e-mail address',
      query: Type.Object({ token: Token }),
      handler: (identity, { query: { token }, context }) =>
        linkAnswer(context, async () => {
          const { newEmail } = await identity.readAddressChange(token, context)
          return addressPage({
            ...speakerOf(context),
            purpose: 'change',
            email: newEmail,
            action: changeAddress,
            token,
          })
        }),
    }),
    route('identity', 'POST', changeAddress, {
      ...common,
      summary: 'Use a new e-mail address',
      limit: 'credentials',
      body: Type.Union([
        Type.Object({ token: Token, password: Type.String() }),
        Type.Object({ token: Token, session_token: Token, code: Field }),
      ]),
      async handler(identity, { body, context }) {
        const { token } = body
        const again = async (problem: string) => {
          const { newEmail } = await identity.readAddressChange(token, context)
          const about = { purpose: 'change', email: newEmail, action: changeAddress, token, problem } as const
          return addressPage({ ...speakerOf(context), ...about })
        }
        return formAnswer(
          context,
          async () => {
            const change =
              'password' in body
                ? await identity.confirmAddress(body, context)
                : await identity.confirmAddressByCode(
                    { token, sessionToken: body.session_token, code: body.code },
                    context,
                  )
            if (change.kind === 'changed') return addressChangedPage(speakerOf(context))
            return codePage({ ...speakerOf(context), action: changeAddress, token, ...change.challenge })
          },
          again,
        )
      },
    }),
    route('identity', 'GET', undoAddress, {
      ...common,
      summary: 'Ask whether to take an account back',
      query: Type.Object({ token: Token }),
      handler: (identity, { query: { token }, context }) =>
        linkAnswer(context, async () => {
          const about = await identity.readUndo(token, context)
          return addressPage({ ...speakerOf(context), purpose: 'undo', ...about, action: undoAddress, token })
        }),
    }),
    route('identity', 'POST', undoAddress, {
      ...common,
      summary: 'Take an account back',
      limit: 'credentials',
      body: Type.Object({ token: Token, password: Type.Optional(Type.String()) }),
      async handler(identity, { body, context }) {
        const again = async (problem: string) => {
          const about = await identity.readUndo(body.token, context)
          return addressPage({
            ...speakerOf(context),
            purpose: 'undo',
            ...about,
            action: undoAddress,
            token: body.token,
            problem,
          })
        }
        return formAnswer(
          context,
          async () => {
            await identity.undoAddress(body, context)
            return addressUndonePage(speakerOf(context))
          },
          again,
        )
      },
    }),
  ]
}
