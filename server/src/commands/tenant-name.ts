import { StartError } from '../platform/errors.ts'
import { suggestion } from '../platform/nearest.ts'
import type { Identity } from '../services/identity/index.ts'

/** Refuses a tenant that is not there, unless it is said to be new, and one that is there and said to be new: a name that was mistyped makes none. */
export async function checkTenant(
  { tenantSettings, tenantNames }: Pick<Identity['admin'], 'tenantSettings' | 'tenantNames'>,
  name: string,
  isNew: boolean,
): Promise<void> {
  const there = (await tenantSettings(name)) !== undefined
  if (there && isNew) throw new StartError(`There is a tenant "${name}" already: leave --new out.`)
  if (there || isNew) return
  const near = suggestion(name, await tenantNames(), 3)
  throw new StartError(`There is no tenant "${name}".${near} Add --new to make it.`)
}
