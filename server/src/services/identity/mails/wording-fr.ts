import type { Letter, Told, Wording } from './wording.ts'

const from = ({ ip }: Told): string => (ip === undefined ? '' : ` depuis ${ip}`)

/** French puts a space before double punctuation, at which no line may break. */
const spaced = (text: string): string => text.replaceAll(/ (?=[:;?!»])|(?<=«) /g, '\u00a0')

const typeset =
  (write: (told: Told) => Letter) =>
  (told: Told): Letter => {
    const letter = write(told)
    return {
      ...letter,
      subject: spaced(letter.subject),
      before: letter.before.map(spaced),
      after: letter.after.map(spaced),
    }
  }

export const french: Wording = {
  greeting: (name) => (name === undefined ? 'Bonjour,' : `Bonjour ${name},`),
  letters: {
    verify_email: typeset(({ title, link, validFor }) => ({
      subject: `Confirmez votre adresse e-mail pour ${title}`,
      before: [`Cette adresse a été indiquée pour un compte ${title}. Merci de confirmer que c’est bien la vôtre.`],
      button: { label: 'Confirmer mon adresse', link: link() },
      after: [
        `Le lien fonctionne une seule fois, pendant ${validFor}.`,
        'Si vous n’y êtes pour rien, ignorez ce message : sans vous, votre adresse ne sera pas confirmée.',
      ],
    })),
    reset_password: typeset((told) => ({
      subject: `Choisissez un nouveau mot de passe pour ${told.title}`,
      before: [`Un nouveau mot de passe a été demandé${from(told)} pour votre compte ${told.title}.`],
      button: { label: 'Choisir un nouveau mot de passe', link: told.link() },
      after: [
        `Le lien fonctionne une seule fois, pendant ${told.validFor}. Ne le transmettez à personne : il suffit pour changer votre mot de passe.`,
        'Si vous n’avez rien demandé, ignorez ce message : votre mot de passe ne change pas.',
      ],
    })),
    mfa_code: typeset(({ title, code, validFor }) => ({
      subject: `Votre code de connexion à ${title}`,
      before: ['Vous y êtes presque. Saisissez ce code :'],
      code: code(),
      after: [
        `Il fonctionne une seule fois, pendant ${validFor}. Nous ne vous le demanderons jamais par téléphone ni par e-mail : ne le donnez à personne.`,
        'Si vous n’êtes pas en train de vous connecter, quelqu’un connaît votre mot de passe. Changez-le dès que possible.',
      ],
    })),
    password_changed: typeset((told) => ({
      subject: `Le mot de passe de votre compte ${told.title} a été changé`,
      before: [`Le mot de passe de votre compte ${told.title} a été changé le ${told.at}${from(told)}.`],
      after: [
        'Si c’était vous, vous n’avez rien à faire.',
        `Si ce n’était pas vous, choisissez tout de suite un nouveau mot de passe. Si vous n’y arrivez pas, demandez de l’aide aux responsables de ${told.title}.`,
      ],
    })),
    account_locked: typeset((told) => ({
      subject: `Trop de mots de passe erronés pour votre compte ${told.title}`,
      before: [
        `Un mot de passe erroné a été saisi trop de fois de suite pour votre compte ${told.title}, la dernière fois le ${told.at}${from(told)}. Pour vous protéger, aucune nouvelle tentative n’est acceptée pendant ${told.validFor}.`,
      ],
      after: [
        'Si c’était vous, patientez, puis connectez-vous à nouveau.',
        'Si ce n’était pas vous, personne n’est entré et vous n’avez rien à faire. Pour que cela reste ainsi, gardez un mot de passe que vous n’utilisez nulle part ailleurs.',
      ],
    })),
    codes_guessed: typeset((told) => ({
      subject: `Quelqu’un connaît le mot de passe de votre compte ${told.title}`,
      before: [
        `Des codes de connexion erronés ont été saisis trop de fois pour votre compte ${told.title}, la dernière fois le ${told.at}${from(told)}. Cette personne connaît votre mot de passe, mais n’est pas entrée.`,
      ],
      after: [
        'Si ce n’était pas vous, changez votre mot de passe maintenant. Pendant une journée, les codes ne sont envoyés qu’aux appareils avec lesquels vous vous êtes déjà connecté.',
        'Si c’était vous, connectez-vous depuis l’un de ces appareils, avec le code du dernier message.',
      ],
    })),
    new_device: typeset((told) => ({
      subject: `Nouvelle connexion à votre compte ${told.title}`,
      before: [
        `Quelqu’un s’est connecté à votre compte ${told.title} le ${told.at}${from(told)}, avec un appareil que nous ne connaissions pas.`,
      ],
      after: [
        'Si c’était vous, vous n’avez rien à faire.',
        'Si ce n’était pas vous, changez tout de suite votre mot de passe : tous les autres appareils seront déconnectés.',
      ],
    })),
    address_changed: typeset((told) => ({
      subject: `Votre compte ${told.title} a une nouvelle adresse e-mail`,
      before: [
        `L’adresse e-mail de votre compte ${told.title} a été changée le ${told.at}${from(told)}. Celle-ci n’y est plus rattachée et ne recevra plus de messages à son sujet.`,
      ],
      after: [
        'Si c’était vous, vous n’avez rien à faire.',
        `Si ce n’était pas vous, prévenez tout de suite les responsables de ${told.title} : quelqu’un d’autre utilise peut-être votre compte.`,
      ],
    })),
  },
}
