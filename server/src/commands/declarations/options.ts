/** Whose variables a command reads. */
export const topology = {
  value: '<name>',
  default: 'all',
  about: 'the topology whose variables count (default: all)',
} as const

/** Whose account a command is about. */
export const whose = {
  contract: { value: '<name>', about: 'the contract (default: that of the default host)' },
  tenant: { value: '<name>', about: 'the tenant, where the contract has tenants' },
} as const
