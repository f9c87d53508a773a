import type { Locale } from '../../../services/realm/index.ts'

/** Why a mailed link leads nowhere. */
export type LinkFailure = 'invalid' | 'expired_or_used'

interface Words {
  heading: string
  text: string
}

/** What the account pages say. `service` is the name people know it by, `count` a number of characters. */
export interface AccountWords {
  verify: { heading: string; text: (service: string) => string; button: string; unasked: string }
  verified: Words
  alreadyVerified: Words
  linkFailed: Readonly<Record<LinkFailure, Words>>
  reset: {
    heading: string
    text: (service: string) => string
    password: string
    /** How long a password has to be, and of how many kinds of characters, if that matters. */
    hint: (count: number, kinds: number) => string
    confirmation: string
    button: string
    /** What the document's title begins with when something was wrong: it is read aloud first. */
    problem: string
  }
  changed: Words
}

const english: AccountWords = {
  verify: {
    heading: 'Confirm your address',
    text: (service) => `This proves that the e-mail address of your ${service} account is yours.`,
    button: 'Confirm my address',
    unasked: 'Did you not ask for this? Close this page, and nothing happens.',
  },
  verified: {
    heading: 'Your address is confirmed',
    text: 'Thank you. You can close this page and go on.',
  },
  alreadyVerified: {
    heading: 'Your address was confirmed already',
    text: 'There is nothing left to do. You can close this page.',
  },
  linkFailed: {
    invalid: {
      heading: 'This link does not work',
      text: 'Part of it may be missing. Open it from the mail again, or copy the whole of it.',
    },
    expired_or_used: {
      heading: 'This link has expired',
      text: 'It is too old or was used before. Ask for a new one.',
    },
  },
  reset: {
    heading: 'Choose a new password',
    text: (service) => `It replaces the password of your ${service} account, and you are signed out everywhere.`,
    password: 'New password',
    hint: (count, kinds) =>
      `At least ${count} characters${kinds > 0 ? `, of ${kinds} kinds: lower and upper case, digits, signs` : ''}.`,
    confirmation: 'The same password again',
    button: 'Change my password',
    problem: 'Problem: ',
  },
  changed: {
    heading: 'Your password is changed',
    text: 'You can close this page and sign in with the new one.',
  },
}

// French sets a no-break space before a colon and a narrow one before a question mark.
const french: AccountWords = {
  verify: {
    heading: 'Confirmez votre adresse',
    text: (service) => `Vous prouvez ainsi que l’adresse e-mail de votre compte ${service} est bien la vôtre.`,
    button: 'Confirmer mon adresse',
    unasked: 'Vous n’avez rien demandé\u202f? Fermez cette page, et rien ne se passe.',
  },
  verified: {
    heading: 'Votre adresse est confirmée',
    text: 'Merci. Vous pouvez fermer cette page et continuer.',
  },
  alreadyVerified: {
    heading: 'Votre adresse était déjà confirmée',
    text: 'Il ne reste rien à faire. Vous pouvez fermer cette page.',
  },
  linkFailed: {
    invalid: {
      heading: 'Ce lien ne fonctionne pas',
      text: 'Il en manque peut-être une partie. Ouvrez-le de nouveau depuis le message, ou copiez-le en entier.',
    },
    expired_or_used: {
      heading: 'Ce lien a expiré',
      text: 'Il est trop ancien ou a déjà servi. Demandez-en un nouveau.',
    },
  },
  reset: {
    heading: 'Choisissez un nouveau mot de passe',
    text: (service) => `Il remplace celui de votre compte ${service}, et toutes vos sessions sont fermées.`,
    password: 'Nouveau mot de passe',
    hint: (count, kinds) =>
      `Au moins ${count} caractères${kinds > 0 ? `, de ${kinds} sortes : minuscules, majuscules, chiffres, signes` : ''}.`,
    confirmation: 'Confirmez le mot de passe',
    button: 'Changer mon mot de passe',
    problem: 'Problème\u00a0: ',
  },
  changed: {
    heading: 'Votre mot de passe est changé',
    text: 'Vous pouvez fermer cette page et vous connecter avec le nouveau.',
  },
}

export const accountWords: Readonly<Record<Locale, AccountWords>> = { en: english, fr: french }
