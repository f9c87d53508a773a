import { expect, test } from 'vitest'
import { identityService } from '../../../tests/support/identity-service.ts'
import { createMetrics } from '../../platform/http/metrics.ts'
import type { Observation } from '../../services/identity/index.ts'
import type { AccountView } from '../../services/realm/index.ts'
import { metrics } from './metrics.ts'

const service = identityService('tenants_metrics')

const account = (tenant: number, formerRole?: string) =>
  ({ tenant: { id: '', number: tenant, name: '' }, role: 'user', ...(formerRole && { formerRole }) }) as AccountView

async function counted(observations: readonly Partial<Observation>[]): Promise<string> {
  const figures = createMetrics()
  const observe = metrics(figures, service.identity)
  for (const one of observations) {
    observe({ contract: 'tenants', action: 'login', outcome: 'success', seconds: 0.01, account: undefined, ...one })
  }
  return (await figures.render()).text
}

test('a thousand tenants have a label of their own, all others share one', async () => {
  const text = await counted(Array.from({ length: 1_010 }, (_, index) => ({ account: account(index + 1) })))
  expect(text.match(/^user_actions_total\{/gm)).toHaveLength(1_001)
  expect(text).toContain('user_actions_total{action_type="login",tenant_id="1000",role="user"} 1')
  expect(text).toContain('user_actions_total{action_type="login",tenant_id="other",role="user"} 10')
})

test('what other contracts do is not counted', async () => {
  expect(await counted([{ contract: 'shop' }])).not.toMatch(/^(auth_attempts_total|user_actions_total)\{/m)
})

test('a right password that waits for its code is neither success nor failure', async () => {
  const text = await counted([{}, { outcome: 'identity.invalid_credentials' }, { account: account(1) }])
  for (const status of ['second_factor_required', 'failure', 'success']) {
    expect(text).toContain(`auth_attempts_total{type="login",status="${status}"} 1`)
  }
  expect(text).toContain('failed_logins_total{reason="invalid_credentials"} 1')
})

test('only a role that changed counts as a change of role', async () => {
  const text = await counted([
    { action: 'update_user', account: account(1, 'user') },
    { action: 'update_user', account: account(1, 'tenant_admin') },
    { action: 'update_user', account: account(1) },
  ])
  expect(text.match(/^user_role_changes_total\{.*$/gm)).toEqual([
    'user_role_changes_total{from_role="tenant_admin",to_role="user"} 1',
  ])
})
