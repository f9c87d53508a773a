import { createHash, createPrivateKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { type Database, sql } from '../../platform/db/database.ts'
import { StartError } from '../../platform/errors.ts'
import { type DeriveKey, seal, unseal } from '../../platform/secrets.ts'

export interface SigningKey {
  kid: string
  privatePem: string
}

/** A public key as `/.well-known/jwks.json` shows it (RFC 7517). */
export interface PublicJwk extends JsonWebKey {
  kid: string
  alg: 'ES256'
  use: 'sig'
}

export interface SigningKeys {
  /** The key that signs. */
  readonly current: SigningKey
  /** The set that verifies, newest first (RFC 7517). */
  readonly jwks: { keys: PublicJwk[] }
}

interface Row {
  kid: string
  publicJwk: PublicJwk
  privateKeySealed: Buffer
}

/** Loads the signing keys, making the first one if there is none. Several processes may do it at once and get the same key. */
export async function loadSigningKeys(database: Database, deriveKey: DeriveKey): Promise<SigningKeys> {
  const wrapping = deriveKey('signing-keys')
  const rows = await database.transaction(async (tx) => {
    await tx.run(sql`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`)
    const present = await tx.many(sql<Row>`
      SELECT kid, public_jwk AS "publicJwk", private_key_sealed AS "privateKeySealed" FROM signing_keys ORDER BY created_at DESC`)
    if (present.length > 0) return present
    const made = makeKey(wrapping)
    await tx.run(sql`
      INSERT INTO signing_keys (kid, public_jwk, private_key_sealed)
      VALUES (${made.kid}, ${made.publicJwk}, ${made.privateKeySealed})`)
    return [made]
  })
  const [newest] = rows
  if (!newest) throw new StartError('No signing key could be made.')
  return {
    current: { kid: newest.kid, privatePem: openKey(wrapping, newest) },
    jwks: { keys: rows.map((row) => row.publicJwk) },
  }
}

function makeKey(wrapping: Buffer): Row {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { crv, x, y } = publicKey.export({ format: 'jwk' })
  // The key's own thumbprint names it (RFC 7638): members in this order, no white space.
  const kid = createHash('sha256')
    .update(JSON.stringify({ crv, kty: 'EC', x, y }))
    .digest('base64url')
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return {
    kid,
    publicJwk: { kty: 'EC', crv, x, y, kid, alg: 'ES256', use: 'sig' } as PublicJwk,
    privateKeySealed: seal(wrapping, pem),
  }
}

function openKey(wrapping: Buffer, row: Row): string {
  try {
    const pem = unseal(wrapping, row.privateKeySealed)
    createPrivateKey(pem)
    return pem
  } catch {
    throw new StartError(
      `The signing key ${row.kid} cannot be opened with this GUICHET_SECRET. Start with the secret that this database was ` +
        'first used with; if it is lost, empty the table signing_keys (everybody has to sign in again).',
    )
  }
}
