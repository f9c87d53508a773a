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

/** How far an administrator reaches who is somebody in other realms, or of whom others are: the same wherever identity runs. */
export function authorityOfAdministrators(at: Administration): void {
  const { contract, roles, identityRows, register, ask, remove, changeEmail } = at
  const elsewhere = 'elsewhere'
  const granted: string[] = []
  const grant = async (accountId: string, where: string, role: string, administrator: boolean) => {
    granted.push(accountId)
    const text = `INSERT INTO memberships (account_id, realm, role, administrator, state, origin)
      VALUES ($1, $2, $3, $4, 'active', 'added')
      ON CONFLICT (account_id, realm) DO UPDATE SET role = excluded.role, administrator = excluded.administrator`
    await identityRows(text, [accountId, where, role, administrator])
  }
  // Other files count who administers a contract.
  afterAll(() => identityRows('UPDATE memberships SET administrator = false WHERE account_id = ANY($1)', [granted]))

  /** Somebody with these roles, by contract: true for those that administer it. */
  const somebody = async (grants: Readonly<Record<string, boolean>> = {}) => {
    const { id, token, signIn } = await register()
    const accountId = claimsOf(token).uid
    for (const [where, administers] of Object.entries(grants)) {
      await grant(accountId, where, roles[administers ? 'administrator' : 'person'], administers)
    }
    return { id, accountId, token: await signIn(), isThere: () => signIn().then(Boolean, () => false) }
  }
  const elsewhereStill = (accountId: string) =>
    identityRows(`SELECT realm, state, version FROM memberships WHERE account_id = $1 AND realm <> $2 ORDER BY realm`, [
      accountId,
      contract,
    ])
  const linksTo = (email: string) =>
    identityRows('SELECT token_type FROM verification_tokens WHERE email = $1', [email])

  describe('authority across realms', () => {
    test('who administers another realm is nobody special here', async () => {
      const [stranger, own] = [await somebody({ [elsewhere]: true }), await somebody({ [contract]: true })]
      expect(claimsOf(stranger.token).role).toBe(roles.person)
      expect(new Set(await ask(stranger.token))).toEqual(new Set([403]))
      expect(new Set(await ask(own.token))).toEqual(new Set([200]))
    })

    test.each<[string, Record<string, boolean>, Record<string, boolean>]>([
      ['nobody elsewhere', {}, {}],
      ['somebody here alone', {}, { [contract]: false }],
      ['somebody elsewhere', {}, { [elsewhere]: false }],
      ['an administrator elsewhere', {}, { [elsewhere]: true }],
      ['somebody where the administrator is one too', { [elsewhere]: false }, { [elsewhere]: false }],
      ['somebody where the administrator administers too', { [elsewhere]: true }, { [elsewhere]: false }],
      ['somebody where another is administered too', { another: true }, { [elsewhere]: false }],
    ])(
      'an administrator removes from this realm an account that is %s, and from no other',
      async (_, theirs, grants) => {
        const administrator = await somebody({ [contract]: true, ...theirs })
        const [moved, removed] = [await somebody(grants), await somebody(grants)]

        if (changeEmail) {
          const email = `${uniqueName('moved')}@example.org`
          // An address opens every realm of its account: nothing changes before its owner confirms it with the password.
          expect(await changeEmail(administrator.token, moved.id, email)).toBe(200)
          expect(await linksTo(email)).toEqual([{ token_type: 'address_change' }])
        }

        const before = await elsewhereStill(removed.accountId)
        expect(await remove(administrator.token, removed.id)).toBeLessThan(300)
        expect(await removed.isThere()).toBe(false)
        expect(await elsewhereStill(removed.accountId)).toEqual(before)
        expect(before).toHaveLength(Object.keys(grants).filter((where) => where !== contract).length)
      },
    )
  })
}
