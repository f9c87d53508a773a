import { afterAll, describe, expect, test } from 'vitest'
import { claimsOf } from './tokens.ts'
import { uniqueName } from './unique-name.ts'

interface Person {
  /** What the contract's paths call the person. */
  id: string | number
  token: string
}

/** A contract's administration, at the listeners that the test is about. */
export interface Administration {
  contract: string
  /** The role that administers it, and what everybody else is. */
  roles: { administrator: string; person: string }
  identityRows(text: string, values: readonly unknown[]): Promise<object[]>
  register(): Promise<Person & { signIn(): Promise<string> }>
  /** The statuses of what only administrators may ask, at every listener that serves it. */
  ask(token: string): Promise<number[]>
  /** The status of the removal of somebody. */
  remove(token: string, id: Person['id']): Promise<number>
  /** The status of a change of somebody's address; absent where administrators change none. */
  changeEmail?(token: string, id: Person['id'], email: string): Promise<number>
}

/** How far an administrator reaches who is somebody in other contracts, or of whom others are: the same wherever identity runs. */
export function authorityOfAdministrators(at: Administration): void {
  const { contract, roles, identityRows, register, ask, remove, changeEmail } = at
  const elsewhere = 'elsewhere'
  const granted: string[] = []
  const grant = async (accountId: string, where: string, role: string, administrator: boolean) => {
    granted.push(accountId)
    const text = 'INSERT INTO grants (account_id, contract, role, administrator) VALUES ($1, $2, $3, $4)'
    await identityRows(text, [accountId, where, role, administrator])
  }
  // Other files count who administers a contract.
  afterAll(() => identityRows('DELETE FROM grants WHERE account_id = ANY($1)', [granted]))

  /** Somebody with these roles, by contract: true for those that administer it. */
  const somebody = async (grants: Readonly<Record<string, boolean>> = {}) => {
    const { id, token, signIn } = await register()
    const accountId = claimsOf(token).uid
    for (const [where, administers] of Object.entries(grants)) {
      await grant(accountId, where, roles[administers ? 'administrator' : 'person'], administers)
    }
    return { id, accountId, token: await signIn(), isThere: () => signIn().then(Boolean, () => false) }
  }
  const linksTo = (email: string) => identityRows('SELECT id FROM verification_tokens WHERE email = $1', [email])

  describe('authority across contracts', () => {
    test('who administers another contract is nobody special here', async () => {
      const [stranger, own] = [await somebody({ [elsewhere]: true }), await somebody({ [contract]: true })]
      expect(claimsOf(stranger.token).role).toBe(roles.person)
      expect(new Set(await ask(stranger.token))).toEqual(new Set([403]))
      expect(new Set(await ask(own.token))).toEqual(new Set([200]))
    })

    test.each<[string, Record<string, boolean>, Record<string, boolean>, boolean]>([
      ['nobody elsewhere', {}, {}, true],
      ['somebody here alone', {}, { [contract]: false }, true],
      ['somebody elsewhere', {}, { [elsewhere]: false }, false],
      ['an administrator elsewhere', {}, { [elsewhere]: true }, false],
      ['somebody where the administrator is one too', { [elsewhere]: false }, { [elsewhere]: false }, false],
      ['somebody where the administrator administers too', { [elsewhere]: true }, { [elsewhere]: false }, true],
      ['somebody where another is administered too', { another: true }, { [elsewhere]: false }, false],
    ])('an administrator reaches an account that is %s, or does not', async (_, theirs, grants, reached) => {
      const administrator = await somebody({ [contract]: true, ...theirs })
      const [moved, removed] = [await somebody(grants), await somebody(grants)]

      if (changeEmail) {
        const email = `${uniqueName('moved')}@example.org`
        expect(await changeEmail(administrator.token, moved.id, email)).toBe(200)
        expect(await linksTo(email)).toHaveLength(reached ? 1 : 0)
      }

      expect((await remove(administrator.token, removed.id)) < 300).toBe(reached)
      expect(await removed.isThere()).toBe(!reached)
    })
  })
}
