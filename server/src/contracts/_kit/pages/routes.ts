import type { Realm } from '../../../services/realm/index.ts'
import type { Route } from '../contract.ts'
import { addressPages } from './address-routes.ts'
import { passwordPages } from './password-routes.ts'
import { verifyEmailPages } from './verify-email-routes.ts'

/**
 * The pages of a realm: what its mailed links open, and what people do with their account that its own requests have no room for. A GET
 * consumes nothing, since mail scanners open every link: each page shows a form, and only its button does something.
 */
export const accountPages = (realm: Realm): Route<'identity'>[] => [
  ...verifyEmailPages(realm),
  ...passwordPages(realm),
  ...addressPages(realm),
]
