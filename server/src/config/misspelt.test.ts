import { expect, test } from 'vitest'
import { misspeltVariables } from './misspelt.ts'

test.each([
  ['GUICHET_SECRTE', ' Did you mean "GUICHET_SECRET"?'],
  ['GUICHET_APPURL', ' Did you mean "GUICHET_APP_URL"?'],
  ['SHOP_ACESS_TTL', ' Did you mean "SHOP_ACCESS_TTL"?'],
  ['IDENTITY_DATABASE_ULR', ' Did you mean "IDENTITY_DATABASE_URL"?'],
  ['GUICHET_COLOUR', ''],
])('%s is none of ours', (name, meant) => {
  expect(misspeltVariables({ [name]: 'x', PATH: '/bin' })).toEqual([
    `${name} is no variable of Guichet and has no effect.${meant}`,
  ])
})

test.each([
  'GUICHET_SECRET',
  'GUICHET_PBKDF2_ROUNDS',
  'GUICHET_ARGON2_PASSES',
  'HELPDESK_LIMIT_UPLOAD_WINDOW',
  'PROFILES_DATABASE_URL',
  'TENANTS_FIRST_USER',
  'ORDERS_SERVICE_PORT',
  'SHOP_SERVICE_HOST',
  'PORTAL_PORT_3001_TCP_ADDR',
  'SHOPPING_LIST',
  'JWT_SECRTE',
])('%s is ours or somebody else’s', (name) => {
  expect(misspeltVariables({ [name]: 'x' })).toEqual([])
})

test('one that is empty is not told of', () => {
  expect(misspeltVariables({ GUICHET_SECRTE: '' })).toEqual([])
})
