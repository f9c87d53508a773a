import { expect, test } from 'vitest'
import { checkTenant } from './tenant-name.ts'

const names = ['main', 'Acme', 'Acne', 'Globex']
const admin = {
  tenantSettings: async (name: string) => (names.includes(name) ? {} : undefined),
  tenantNames: async () => names,
}

test.each<[string, boolean, string | undefined]>([
  ['Acme', false, undefined],
  ['Umbrella', true, undefined],
  ['Acme', true, 'There is a tenant "Acme" already: leave --new out.'],
  ['Acke', false, 'There is no tenant "Acke". Did you mean "Acme" or "Acne"? Add --new to make it.'],
  ['Umbrella', false, 'There is no tenant "Umbrella". Add --new to make it.'],
])('the tenant "%s", new: %s', async (name, isNew, message) => {
  const checked = checkTenant(admin, name, isNew)
  if (message === undefined) await checked
  else await expect(checked).rejects.toThrow(message)
})
