import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { StartError } from '../platform/errors.ts'
import { createLogger } from '../platform/log.ts'
import type { Identity, TenantSettings } from '../services/identity/index.ts'
import { type Print, usage } from './command.ts'

export interface TenantOptions {
  /** The least zxcvbn score of new passwords, 0 to 4. */
  minPasswordScore: string | undefined
  /** `on`: who joins has to be activated by an administrator first. */
  approval: string | undefined
  topology: string
}

/** Makes a tenant stricter than its contracts are; it is made when there is none of that name. */
export async function tenant(words: readonly string[], options: TenantOptions, print: Print): Promise<void> {
  const [name, ...rest] = words
  const { minPasswordScore: score, approval } = options
  if (name === undefined || rest.length > 0) throw new StartError(usage)
  if (score !== undefined && !/^[0-4]$/.test(score))
    throw new StartError('--min-password-score takes a number from 0 to 4.')
  if (approval !== undefined && approval !== 'on' && approval !== 'off')
    throw new StartError('--approval takes on or off.')
  const settings = {
    ...(score !== undefined && { minPasswordScore: Number(score) }),
    ...(approval !== undefined && { approval: approval === 'on' }),
  }
  const config = loadCommandConfig(options.topology)
  await withServices(config, createLogger(config), ['identity'], async ({ identity }) => {
    const { minPasswordScore = 0, approval: waits = false } = await settingsOf(identity, name.trim(), settings)
    const joining = waits ? 'an administrator activates who joins' : 'everybody may join'
    print(`${name}: passwords need a score of ${minPasswordScore} of 4; ${joining}.`)
  })
}

/** Without anything to set, the tenant has to exist: a name that was mistyped makes none. */
async function settingsOf({ admin }: Identity, name: string, settings: TenantSettings): Promise<TenantSettings> {
  if (Object.keys(settings).length > 0) return admin.changeTenant(name, settings)
  const found = await admin.tenantSettings(name)
  if (!found) throw new StartError(`There is no tenant "${name}".`)
  return found
}
