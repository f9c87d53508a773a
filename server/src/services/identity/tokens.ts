import { createSigner } from 'fast-jwt'
import type { Clock } from '../../platform/clock.ts'
import { seconds } from '../../platform/clock.ts'
import { newId } from '../../platform/ids.ts'
import type { AccountView, Terms } from './policy.ts'
import type { SigningKey } from './signing-keys.ts'

/** Who an access token is for. */
export interface Subject {
  account: AccountView
  sessionId: string
  tenant: string
  version: number
}

export interface Tokens {
  /** Signs an access token: the core's claims (`sid uid tid ver jti aud amr iat exp`) and the contract's own. */
  issue(subject: Subject, terms: Terms): string
}

/**
 * ES256 with identity's key, or HS256 for a contract that has a secret of its own.
 * @param secretOf the contract's shared secret, when one is set
 */
export function createTokens(options: {
  key: SigningKey
  secretOf: (contract: string) => string | undefined
  clock: Clock
}): Tokens {
  const es256 = createSigner({ algorithm: 'ES256', key: options.key.privatePem, kid: options.key.kid })
  const hs256 = new Map<string, (payload: Record<string, unknown>) => string>()

  const signerOf = (contract: string) => {
    const secret = options.secretOf(contract)
    if (secret === undefined) return es256
    let signer = hs256.get(contract)
    if (!signer) {
      signer = createSigner({ algorithm: 'HS256', key: secret })
      hs256.set(contract, signer)
    }
    return signer
  }

  return {
    issue({ account, sessionId, tenant, version }, terms) {
      const issuedAt = seconds(options.clock)
      return signerOf(terms.name)({
        ...terms.claims(account),
        sid: sessionId,
        uid: account.id,
        tid: tenant,
        ver: version,
        jti: newId(),
        aud: terms.name,
        amr: ['pwd'],
        iat: issuedAt,
        exp: issuedAt + terms.policy.accessTtl,
      })
    },
  }
}
