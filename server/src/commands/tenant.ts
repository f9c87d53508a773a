import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { DomainError, StartError } from '../platform/errors.ts'
import { createLogger } from '../platform/log.ts'
import type { Print } from './command.ts'
import { explain } from './messages.ts'
import { checkTenant } from './tenant-name.ts'

export interface TenantOptions {
  /** The least zxcvbn score of new passwords, 0 to 4. */
  minPasswordScore: string | undefined
  /** `on`: who joins has to be activated by an administrator first. */
  approval: 'on' | 'off' | undefined
  /** The tenant is to be made. */
  newTenant: boolean
  topology: string
}

/** Tells how strict a tenant is, after making it stricter than its contracts are where that is asked for. */
export async function tenant(name: string, options: TenantOptions, print: Print): Promise<void> {
  const { minPasswordScore: score, approval, newTenant } = options
  if (score !== undefined && !/^[0-4]$/.test(score))
    throw new StartError(`--min-password-score takes a number from 0 to 4, not "${score}".`)
  const settings = {
    ...(score !== undefined && { minPasswordScore: Number(score) }),
    ...(approval !== undefined && { approval: approval === 'on' }),
  }
  const config = loadCommandConfig(options.topology)
  await withServices(config, createLogger(config), ['identity'], async ({ identity }) => {
    await checkTenant(identity.admin, name, newTenant)
    const { minPasswordScore = 0, approval: waits = false } = await identity.admin.changeTenant(name, settings)
    const joining = waits ? 'an administrator activates who joins' : 'everybody may join'
    print(`${name}: passwords need a score of ${minPasswordScore} of 4; ${joining}.`)
  }).catch((error: unknown) => {
    throw error instanceof DomainError ? new StartError(explain(error)) : error
  })
}
