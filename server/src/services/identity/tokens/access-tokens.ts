import { createSigner } from 'fast-jwt'
import { type Clock, seconds } from '../../../platform/clock.ts'
import { newId } from '../../../platform/ids.ts'
import type { AccountView, Realm } from '../../realm/index.ts'
import type { SigningKeys } from '../keys/index.ts'

/** Who an access token is for. */
export interface Subject {
  account: AccountView
  sessionId: string
  version: number
  /** How the person showed who they are (RFC 8176). */
  amr: readonly string[]
}

export type Tokens = ReturnType<typeof createTokens>

type Sign = (payload: Record<string, unknown>) => string

/**
 * ES256 with identity's current key, or HS256 for a contract that has a secret of its own.
 * @param secretOf the contract's shared secret, when one is set
 */
export function createTokens(options: {
  keys: Pick<SigningKeys, 'current'>
  secretOf: (contract: string) => string | undefined
  clock: Clock
}) {
  const { keys, secretOf, clock } = options
  const hs256 = new Map<string, Sign>()
  let es256: { kid: string; sign: Sign } | undefined

  const signWithCurrentKey: Sign = (payload) => {
    const { kid, privatePem } = keys.current()
    // One is enough: a key that another has followed does not sign again.
    if (es256?.kid !== kid) es256 = { kid, sign: createSigner({ algorithm: 'ES256', key: privatePem, kid }) }
    return es256.sign(payload)
  }

  const signerOf = (contract: string): Sign => {
    const secret = secretOf(contract)
    if (secret === undefined) return signWithCurrentKey
    let sign = hs256.get(contract)
    if (!sign) {
      sign = createSigner({ algorithm: 'HS256', key: secret })
      hs256.set(contract, sign)
    }
    return sign
  }

  return {
    /**
     * Signs an access token: the core's claims (`sid uid tid ver jti aud amr iat exp`, and `role` unless the contract says
     * another) and the contract's own. A claim that is undefined is left out.
     */
    issue({ account, sessionId, version, amr }: Subject, realm: Realm): string {
      const issuedAt = seconds(clock)
      return signerOf(realm.name)({
        role: account.role,
        ...realm.claims(account),
        sid: sessionId,
        uid: account.id,
        tid: account.tenant.id,
        ver: version,
        jti: newId(),
        aud: realm.audience ?? realm.name,
        amr,
        iat: issuedAt,
        exp: issuedAt + realm.policy.accessTtl,
      })
    },
  }
}
