import type { Letter, LetterFacts, Messages } from './index.ts'

const from = ({ ip }: LetterFacts): string => (ip === undefined ? '' : ` depuis ${ip}`)

/** French puts a space before double punctuation, at which no line may break. */
const spaced = (text: string): string => text.replaceAll(/ (?=[:;?!»])|(?<=«) /g, '\u00a0')

const typeset =
  (write: (about: LetterFacts) => Letter) =>
  (about: LetterFacts): Letter => {
    const letter = write(about)
    return {
      ...letter,
      subject: spaced(letter.subject),
      before: letter.before.map(spaced),
      after: letter.after.map(spaced),
    }
  }

export const french: Messages = {
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
    reset_password: typeset((about) => ({
      subject: `Choisissez un nouveau mot de passe pour ${about.title}`,
      before: [`Un nouveau mot de passe a été demandé${from(about)} pour votre compte ${about.title}.`],
      button: { label: 'Choisir un nouveau mot de passe', link: about.link() },
      after: [
        `Le lien fonctionne une seule fois, pendant ${about.validFor}. Ne le transmettez à personne : il suffit pour changer votre mot de passe.`,
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
    password_changed: typeset((about) => ({
      subject: `Le mot de passe de votre compte ${about.title} a été changé`,
      before: [`Le mot de passe de votre compte ${about.title} a été changé le ${about.at}${from(about)}.`],
      after: [
        'Si c’était vous, vous n’avez rien à faire.',
        `Si ce n’était pas vous, choisissez tout de suite un nouveau mot de passe. Si vous n’y arrivez pas, demandez de l’aide aux responsables de ${about.title}.`,
      ],
    })),
    account_locked: typeset((about) => ({
      subject: `Trop de mots de passe erronés pour votre compte ${about.title}`,
      before: [
        `Un mot de passe erroné a été saisi trop de fois de suite pour votre compte ${about.title}, la dernière fois le ${about.at}${from(about)}. Pour vous protéger, aucune nouvelle tentative n’est acceptée pendant ${about.validFor}.`,
      ],
      after: [
        'Si c’était vous, patientez, puis connectez-vous à nouveau.',
        'Si ce n’était pas vous, personne n’est entré et vous n’avez rien à faire. Pour que cela reste ainsi, gardez un mot de passe que vous n’utilisez nulle part ailleurs.',
      ],
    })),
    account_locked_by_codes: typeset((about) => ({
      subject: `Trop de codes erronés pour votre compte ${about.title}`,
      before: [
        `Des codes de connexion erronés ont été saisis trop de fois pour votre compte ${about.title}, la dernière fois le ${about.at}${from(about)}, chaque fois après le bon mot de passe. Pour vous protéger, aucune nouvelle tentative n’est acceptée pendant ${about.validFor}.`,
      ],
      after: [
        'Si c’était vous, patientez, puis connectez-vous avec le code du dernier message.',
        'Si ce n’était pas vous, quelqu’un connaît votre mot de passe, mais n’est pas entré : choisissez-en un autre.',
      ],
    })),
    codes_guessed: typeset((about) => ({
      subject: `Quelqu’un connaît le mot de passe de votre compte ${about.title}`,
      before: [
        `Des codes de connexion erronés ont été saisis trop de fois pour votre compte ${about.title}, la dernière fois le ${about.at}${from(about)}. Cette personne connaît votre mot de passe, mais n’est pas entrée.`,
      ],
      after: [
        'Si ce n’était pas vous, changez votre mot de passe maintenant. Pendant une journée, les codes ne sont envoyés qu’aux appareils avec lesquels vous vous êtes déjà connecté.',
        'Si c’était vous, connectez-vous depuis l’un de ces appareils, avec le code du dernier message.',
      ],
    })),
    locked_everywhere: typeset((about) => ({
      subject: `Votre compte ${about.title} est fermé aux appareils inconnus`,
      before: [
        `Cent mots de passe erronés ont été saisis en une journée pour votre compte, le dernier le ${about.at}${from(about)}, chez ${about.title} et partout où il ouvre quelque chose. Pour vous protéger, seuls les appareils avec lesquels vous vous êtes déjà connecté sont acceptés jusqu’à la fin de cette journée.`,
      ],
      after: [
        'Si ce n’était pas vous, personne n’est entré. Pour que cela reste ainsi, gardez un mot de passe que vous n’utilisez nulle part ailleurs.',
        `S’il vous faut un autre appareil avant cela, demandez aux responsables de ${about.title} de lever ce blocage.`,
      ],
    })),
    new_device: typeset((about) => ({
      subject: `Nouvelle connexion à votre compte ${about.title}`,
      before: [
        `Quelqu’un s’est connecté à votre compte ${about.title} le ${about.at}${from(about)}, avec un appareil que nous ne connaissions pas.`,
      ],
      after: [
        'Si c’était vous, vous n’avez rien à faire.',
        'Si ce n’était pas vous, changez tout de suite votre mot de passe : tous les autres appareils seront déconnectés.',
      ],
    })),
    invited: typeset(({ title, link, validFor }) => ({
      subject: `Vous avez été ajouté à ${title}`,
      before: [
        `Les responsables de ${title} ont créé un compte pour vous avec cette adresse. Choisissez un mot de passe pour vous connecter.`,
      ],
      button: { label: 'Choisir un mot de passe', link: link() },
      after: [
        `Le lien fonctionne une seule fois, pendant ${validFor}. Ne le transmettez à personne : il suffit pour choisir votre mot de passe.`,
        `Si vous ne connaissez pas ${title}, ce n’était pas vous qu’on voulait ajouter : ignorez ce message, personne ne se connectera avec votre adresse.`,
      ],
    })),
    joined: typeset((about) => ({
      subject: `Votre compte ouvre désormais aussi ${about.title}`,
      before: [
        `Votre compte a servi à rejoindre ${about.title} le ${about.at}${from(about)}. Vous vous y connectez comme ailleurs : avec le même nom et le même mot de passe.`,
      ],
      after: [
        'Si c’était vous, vous n’avez rien à faire.',
        'Si ce n’était pas vous, quelqu’un connaît votre mot de passe : changez-le tout de suite. Tous les appareils seront déconnectés.',
      ],
    })),
    added: typeset((about) => ({
      subject: `Vous avez été ajouté à ${about.title}`,
      before: [
        `Les responsables de ${about.title} ont ajouté votre compte le ${about.at}. Vous vous y connectez comme ailleurs : avec le même nom et le même mot de passe.`,
      ],
      after: [
        `Si vous ne connaissez pas ${about.title}, ce n’était pas vous qu’on voulait ajouter et vous n’avez rien à faire : votre compte ne s’ouvre à personne d’autre.`,
      ],
    })),
    how_to_join: typeset((about) => ({
      subject: `Votre compte ouvre aussi ${about.title}`,
      before: [
        `Quelqu’un a voulu s’inscrire à ${about.title} avec votre adresse le ${about.at}${from(about)}. Un nouveau compte n’est pas nécessaire : celui que vous avez y est valable aussi.`,
      ],
      after: [
        `Si c’était vous, inscrivez-vous à ${about.title} avec votre mot de passe actuel, ou connectez-vous simplement.`,
        'Si ce n’était pas vous, personne n’est entré et vous n’avez rien à faire.',
      ],
    })),
    confirm_address: typeset((about) => ({
      subject: `Confirmez votre nouvelle adresse e-mail pour ${about.title}`,
      before: [
        `Cette adresse a été indiquée comme nouvelle adresse d’un compte ${about.title}. Pour vous connecter avec elle, confirmez-la avec le mot de passe de ce compte.`,
      ],
      button: { label: 'Confirmer ma nouvelle adresse', link: about.link() },
      after: [
        `Le lien fonctionne une seule fois, pendant ${about.validFor}.`,
        'Si vous n’y êtes pour rien, ignorez ce message : sans le mot de passe, rien ne change.',
      ],
    })),
    address_changed: typeset((about) => ({
      subject: `Votre compte ${about.title} a une nouvelle adresse e-mail`,
      before: [
        `L’adresse e-mail de votre compte ${about.title} a été changée le ${about.at}${from(about)}. Celle-ci n’y est plus rattachée et ne recevra plus de messages à son sujet.`,
        'Si ce n’était pas vous, reprenez votre compte : cette adresse redevient la vôtre, toutes les sessions sont fermées et vous choisissez un nouveau mot de passe.',
      ],
      button: { label: 'Ce n’était pas moi', link: about.link() },
      after: ['Si c’était vous, vous n’avez rien à faire.', `Le lien fonctionne pendant ${about.validFor}.`],
    })),
  },
}
