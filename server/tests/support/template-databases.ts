/** The services whose tests begin with its tables in a database of their own. */
export const templates = {
  identity: 'template_identity',
  profiles: 'template_profiles',
  orders: 'template_orders',
} as const
export type TemplateName = keyof typeof templates
