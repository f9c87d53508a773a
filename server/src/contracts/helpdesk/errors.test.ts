import { expect, test } from 'vitest'
import { validationError } from './errors.ts'

const told = (field: string, keyword: string) =>
  validationError({ part: 'body', path: field === '' ? '' : `/${field}`, keyword, message: '' }).message

test('what is wrong with a field agrees with the name of the field', () => {
  const cases = [
    ['email', 'required', "L'adresse e-mail doit être renseignée."],
    ['password', 'required', 'Le mot de passe doit être renseigné.'],
    ['confirmPassword', 'maxLength', 'La confirmation du mot de passe est trop longue.'],
    ['firstName', 'maxLength', 'Le prénom est trop long.'],
    ['token', 'minLength', 'Le jeton doit être renseigné.'],
    ['email', 'pattern', "L'adresse e-mail n'est pas valide."],
    ['', 'type', "Le corps de la requête n'est pas valide."],
  ] as const
  for (const [field, keyword, text] of cases) expect(told(field, keyword)).toBe(text)
})

test('a field that does not fit is named, and its value is not repeated', () => {
  const { status, code, details } = validationError({
    part: 'body',
    path: '/password',
    keyword: 'type',
    message: 'must be string',
  })
  expect({ status, code }).toEqual({ status: 400, code: 'VALIDATION_ERROR' })
  expect(details).toEqual({
    errors: [{ type: 'field', path: 'password', location: 'body', msg: "Le mot de passe n'est pas valide." }],
  })
})

test('a field inside another, or of the query, is named as express-validator does', () => {
  const cases = [
    ['body', '/preferences/theme', 'preferences.theme', 'body', 'Le thème doit être light, dark ou auto.'],
    ['body', '/preferences/notifications/sms', 'preferences.notifications.sms', 'body', /SMS doit être true ou false/],
    ['body', '/preferences', 'preferences', 'body', "La valeur des préférences n'est pas valide."],
    ['querystring', '/limit', 'limit', 'query', 'La taille de page doit être de 1 à 100.'],
    ['querystring', '/unheard', 'unheard', 'query', "La requête n'est pas valide."],
  ] as const
  for (const [part, pointer, path, location, msg] of cases) {
    const { details } = validationError({ part, path: pointer, keyword: 'enum', message: '' })
    expect(details).toEqual({ errors: [{ type: 'field', path, location, msg: expect.stringMatching(msg) }] })
  }
})
