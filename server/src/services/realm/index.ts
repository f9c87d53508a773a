/** What every service knows of the realm that a request belongs to, and of whoever asks. */
export type { AccountView } from './account.ts'
export {
  type Locale,
  locales,
  mainTenant,
  type PasswordRule,
  type Permission,
  type Policy,
  type Roles,
} from './policy.ts'
export type { Fact, FactAbout, Realm } from './realm.ts'
export { may, operator, type RequestContext } from './request-context.ts'
