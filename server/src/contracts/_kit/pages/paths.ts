import type { Realm } from '../../../services/realm/index.ts'

/** Where a realm's pages are. */
export const pagePaths = (realm: string) => ({
  verifyEmail: `/account/${realm}/verify-email`,
  forgotPassword: `/account/${realm}/forgot-password`,
  resetPassword: `/account/${realm}/reset-password`,
  choosePassword: `/account/${realm}/password`,
  changeAddress: `/account/${realm}/change-address`,
  undoAddress: `/account/${realm}/undo-address`,
})

/** The links of a realm whose mail leads to those pages. */
export function accountLinks(realm: string): Realm['links'] & { verifyEmail: object } {
  const paths = pagePaths(realm)
  const withToken =
    (path: string) =>
    ({ token }: { token: string }) =>
      `${path}?token=${token}`
  return {
    verifyEmail: withToken(paths.verifyEmail),
    resetPassword: withToken(paths.resetPassword),
    choosePassword: paths.choosePassword,
    changeAddress: withToken(paths.changeAddress),
    undoAddress: withToken(paths.undoAddress),
  }
}
