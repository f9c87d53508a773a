import Type from 'typebox'
import { DomainError } from '../../../platform/errors.ts'
import type { RequestContext } from '../../../services/realm/index.ts'
import { reply } from '../contract.ts'
import { linkFailedPage, type Speaker } from './account.ts'
import { type FormProblem, problems } from './problems.ts'

const Page = Type.String()

/** What all pages have in common. */
export const common = { access: 'public', html: true, replies: { 200: Page, 400: Page } } as const
export const Token = Type.String({ maxLength: 200 })
/** Of a form: nobody types more. */
export const Field = Type.String({ maxLength: 1_000 })

/** The language of a page: what the browser asks for, else the realm's. */
export const speakerOf = ({ realm, locale }: RequestContext): Speaker => ({
  title: realm.title,
  locale: locale ?? realm.policy.locale,
})

/** Answers 200 with what `work` shows; what a person can mend, with 400 and the page that `again` makes of it. */
export async function formAnswer(
  context: RequestContext,
  work: () => Promise<string>,
  again: (problem: string) => string | Promise<string>,
) {
  try {
    return reply(200, await work())
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    if (error.code === 'identity.invalid_link') return linkFailed(context)
    const problem = problems[speakerOf(context).locale][error.code as FormProblem]
    if (problem === undefined) throw error
    return reply(400, await again(problem))
  }
}

/** The page that says that a link leads nowhere. */
export const linkFailed = (context: RequestContext) =>
  reply(400, linkFailedPage({ ...speakerOf(context), reason: 'expired_or_used' }))

/** Shows a page about a link; when that leads nowhere, the one that says so. */
export async function linkAnswer(context: RequestContext, work: () => Promise<string>) {
  try {
    return reply(200, await work())
  } catch (error) {
    if (error instanceof DomainError && error.code === 'identity.invalid_link') return linkFailed(context)
    throw error
  }
}
