import type { IdentityErrorCode } from '../../../services/identity/index.ts'
import type { Locale } from '../../../services/realm/index.ts'

/** What a person can mend in the form, and what only time mends. */
export type FormProblem =
  | Extract<IdentityErrorCode, `identity.password_${string}`>
  | 'identity.invalid_credentials'
  | 'identity.wrong_password'
  | 'identity.invalid_code'
  | 'identity.email_unverified'
  | 'identity.deactivated'

/** What a form says of what was wrong. */
export const problems: Readonly<Record<Locale, Record<FormProblem, string>>> = {
  en: {
    'identity.password_mismatch': 'The two passwords differ. Type the same one twice.',
    'identity.password_too_short': 'This password is too short.',
    'identity.password_too_long': 'This password is too long: 256 characters at most.',
    'identity.password_too_simple': 'Use more kinds of characters: upper and lower case, digits, signs.',
    'identity.password_too_common': 'This password is in lists of common passwords. Choose another one.',
    'identity.password_too_weak':
      'This password is easy to guess. Make it longer or less like common words and your own data.',
    'identity.invalid_credentials': 'The name or the password is wrong.',
    'identity.wrong_password': 'The password is wrong.',
    'identity.invalid_code': 'The code is wrong or has expired. Begin again to get another one.',
    'identity.email_unverified': 'The e-mail address of this account has not been confirmed yet.',
    'identity.deactivated': 'This account is deactivated. Ask the people who run this service.',
  },
  fr: {
    'identity.password_mismatch': 'Les deux mots de passe sont différents. Saisissez deux fois le même.',
    'identity.password_too_short': 'Ce mot de passe est trop court.',
    'identity.password_too_long': 'Ce mot de passe est trop long : 256 caractères au plus.',
    'identity.password_too_simple': 'Variez les caractères : majuscules, minuscules, chiffres, signes.',
    'identity.password_too_common': 'Ce mot de passe figure parmi les plus courants. Choisissez-en un autre.',
    'identity.password_too_weak':
      'Ce mot de passe se devine facilement. Allongez-le, sans mots courants ni données personnelles.',
    'identity.invalid_credentials': 'Le nom ou le mot de passe est incorrect.',
    'identity.wrong_password': 'Le mot de passe est incorrect.',
    'identity.invalid_code': 'Le code est incorrect ou a expiré. Recommencez pour en recevoir un autre.',
    'identity.email_unverified': 'L’adresse e-mail de ce compte n’est pas encore confirmée.',
    'identity.deactivated': 'Ce compte est désactivé. Adressez-vous aux responsables de ce service.',
  },
}
