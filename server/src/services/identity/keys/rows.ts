import { createHash, createPrivateKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { type Database, type Queryable, sql } from '../../../platform/db/database.ts'
import { StartError } from '../../../platform/errors.ts'
import { seal, unseal } from '../../../platform/secrets.ts'

/** A public key as `/.well-known/jwks.json` shows it (RFC 7517). */
export interface PublicJwk extends JsonWebKey {
  kid: string
  alg: 'ES256'
  use: 'sig'
}

/** A key that may sign. */
export interface SigningKey {
  kid: string
  privatePem: string
}

/** A key as the database holds it: the private half is wrapped by the master secret. */
export interface KeyRow {
  kid: string
  publicJwk: PublicJwk
  privateKeySealed: Buffer
  createdAt: Date
  activatesAt: Date
}

/** Makes an ES256 key, named by its own thumbprint (RFC 7638). */
export function makeKey(wrapping: Buffer, times: Pick<KeyRow, 'createdAt' | 'activatesAt'>): KeyRow {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { crv, x, y } = publicKey.export({ format: 'jwk' })
  // The thumbprint is over the members in this order, without white space.
  const kid = createHash('sha256')
    .update(JSON.stringify({ crv, kty: 'EC', x, y }))
    .digest('base64url')
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return {
    kid,
    publicJwk: { kty: 'EC', crv, x, y, kid, alg: 'ES256', use: 'sig' } as PublicJwk,
    privateKeySealed: seal(wrapping, pem),
    ...times,
  }
}

/** Unwraps the private half; with another master secret than it was wrapped with it throws a StartError. */
export function openKey(wrapping: Buffer, { kid, privateKeySealed }: KeyRow): SigningKey {
  try {
    const privatePem = unseal(wrapping, privateKeySealed)
    createPrivateKey(privatePem)
    return { kid, privatePem }
  } catch {
    throw new StartError(
      `The signing key ${kid} cannot be opened with this master secret. Start with the one that this database was ` +
        'first used with; if it is lost, empty the table signing_keys (access tokens given out before are refused then).',
    )
  }
}

/** All keys, those that activate last first. */
export const readKeys = (db: Queryable): Promise<KeyRow[]> =>
  db.many(sql<KeyRow>`
    SELECT kid, public_jwk AS "publicJwk", private_key_sealed AS "privateKeySealed",
           created_at AS "createdAt", activates_at AS "activatesAt"
      FROM signing_keys ORDER BY activates_at DESC, created_at DESC, kid`)

/** Runs `work` on the keys as they are while no other process can change them. */
export const changeKeys = <Result>(
  database: Database,
  work: (tx: Queryable, rows: KeyRow[]) => Promise<Result>,
): Promise<Result> =>
  database.transaction(async (tx) => {
    await tx.run(sql`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`)
    return work(tx, await readKeys(tx))
  })

export const addKey = (tx: Queryable, { kid, publicJwk, privateKeySealed, createdAt, activatesAt }: KeyRow) =>
  tx.run(sql`
    INSERT INTO signing_keys (kid, public_jwk, private_key_sealed, created_at, activates_at)
    VALUES (${kid}, ${publicJwk}, ${privateKeySealed}, ${createdAt}, ${activatesAt})`)

export const activateKey = (tx: Queryable, kid: string, at: Date) =>
  tx.run(sql`UPDATE signing_keys SET activates_at = ${at} WHERE kid = ${kid}`)

export const removeKeys = (tx: Queryable, kids: readonly string[]) =>
  tx.run(sql`DELETE FROM signing_keys WHERE kid = ANY (${kids})`)
