/** Every contract there is, by name, a line for each. What belongs to none of them is answered in the form of the first. */
export const contracts = {
  ...(await import('./shop/index.ts')),
  ...(await import('./clients/index.ts')),
  ...(await import('./helpdesk/index.ts')),
  ...(await import('./tenants/index.ts')),
  ...(await import('./portal/index.ts')),
}

export type ContractName = keyof typeof contracts
export const contractNames = Object.keys(contracts) as ContractName[]
