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
  linkMailed: Words
  addressChanged: Words
  addressUndone: Words
  /** Asking who somebody is. */
  identify: {
    forgot: { heading: string; text: (service: string) => string; button: string; other: string }
    choose: { heading: string; text: (service: string) => string; button: string; other: string }
    address: string
    name: string
    tenant: string
    password: string
  }
  code: { heading: string; text: string; label: string; button: string; shown: (code: string) => string }
  address: {
    change: { heading: string; text: (email: string, service: string) => string; button: string }
    undo: { heading: string; text: (email: string, service: string) => string; button: string }
    password: string
    forgot: string
  }
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
  linkMailed: {
    heading: 'Look into your mailbox',
    text: 'If there is an account with this address, a link to choose a new password is on its way to it.',
  },
  addressChanged: {
    heading: 'Your address is changed',
    text: 'You can close this page. The address before was told, and can undo this for seven days.',
  },
  addressUndone: {
    heading: 'Your account is yours again',
    text: 'Everybody is signed out. A link to choose a new password is on its way to your address.',
  },
  identify: {
    forgot: {
      heading: 'Forgotten your password?',
      text: (service) => `Tell us the address of your ${service} account, and we mail a link to choose a new one.`,
      button: 'Mail me a link',
      other: 'I know my password',
    },
    choose: {
      heading: 'Change your password',
      text: (service) => `First, show that this ${service} account is yours.`,
      button: 'Go on',
      other: 'I have forgotten it',
    },
    address: 'E-mail address',
    name: 'Name or e-mail address',
    tenant: 'Organisation',
    password: 'Present password',
  },
  code: {
    heading: 'Enter your code',
    text: 'We mailed a code to the address of your account. It works for five minutes.',
    label: 'Code',
    button: 'Go on',
    shown: (code) => `Development: the code is ${code}.`,
  },
  address: {
    change: {
      heading: 'Use this address?',
      text: (email, service) => `From now on, ${email} opens your ${service} account. Confirm it with your password.`,
      button: 'Use this address',
    },
    undo: {
      heading: 'Take your account back?',
      text: (email, service) =>
        `${email} becomes the address of your ${service} account again, everybody is signed out, and you choose a new password.`,
      button: 'Take my account back',
    },
    password: 'Password',
    forgot: 'I have forgotten it',
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
  linkMailed: {
    heading: 'Consultez votre messagerie',
    text: 'S’il existe un compte avec cette adresse, un lien pour choisir un nouveau mot de passe vient d’y être envoyé.',
  },
  addressChanged: {
    heading: 'Votre adresse est changée',
    text: 'Vous pouvez fermer cette page. L’ancienne adresse a été prévenue et peut annuler ce changement pendant sept jours.',
  },
  addressUndone: {
    heading: 'Votre compte est de nouveau à vous',
    text: 'Toutes les sessions sont fermées. Un lien pour choisir un nouveau mot de passe a été envoyé à votre adresse.',
  },
  identify: {
    forgot: {
      heading: 'Mot de passe oublié\u202f?',
      text: (service) =>
        `Indiquez l’adresse de votre compte ${service}, et nous vous envoyons un lien pour en choisir un autre.`,
      button: 'Recevoir un lien',
      other: 'Je connais mon mot de passe',
    },
    choose: {
      heading: 'Changez votre mot de passe',
      text: (service) => `Montrez d’abord que ce compte ${service} est bien le vôtre.`,
      button: 'Continuer',
      other: 'Je l’ai oublié',
    },
    address: 'Adresse e-mail',
    name: 'Nom ou adresse e-mail',
    tenant: 'Organisation',
    password: 'Mot de passe actuel',
  },
  code: {
    heading: 'Saisissez votre code',
    text: 'Un code a été envoyé à l’adresse de votre compte. Il est valable cinq minutes.',
    label: 'Code',
    button: 'Continuer',
    shown: (code) => `Développement\u00a0: le code est ${code}.`,
  },
  address: {
    change: {
      heading: 'Utiliser cette adresse\u202f?',
      text: (email, service) => `Désormais, ${email} ouvre votre compte ${service}. Confirmez avec votre mot de passe.`,
      button: 'Utiliser cette adresse',
    },
    undo: {
      heading: 'Reprendre votre compte\u202f?',
      text: (email, service) =>
        `${email} redevient l’adresse de votre compte ${service}, toutes les sessions sont fermées, et vous choisissez un nouveau mot de passe.`,
      button: 'Reprendre mon compte',
    },
    password: 'Mot de passe',
    forgot: 'Je l’ai oublié',
  },
}

export const accountWords: Readonly<Record<Locale, AccountWords>> = { en: english, fr: french }
