import type { LetterFacts, Messages } from './index.ts'

const from = ({ ip }: LetterFacts): string => (ip === undefined ? '' : ` from ${ip}`)

export const english: Messages = {
  greeting: (name) => (name === undefined ? 'Hello,' : `Hello ${name},`),
  letters: {
    verify_email: ({ title, link, validFor }) => ({
      subject: `Confirm your e-mail address for ${title}`,
      before: [`This address was given for an account at ${title}. Please confirm that it is yours.`],
      button: { label: 'Confirm my address', link: link() },
      after: [
        `The link works once, for ${validFor}.`,
        'If this was not you, ignore this mail: your address is not confirmed unless you do it.',
      ],
    }),
    reset_password: (about) => ({
      subject: `Choose a new password for ${about.title}`,
      before: [`We were asked${from(about)} for a new password for your ${about.title} account.`],
      button: { label: 'Choose a new password', link: about.link() },
      after: [
        `The link works once, for ${about.validFor}. Do not pass it on: whoever has it can set your password.`,
        'If this was not you, ignore this mail: your password stays as it is.',
      ],
    }),
    mfa_code: ({ title, code, validFor }) => ({
      subject: `Your code to sign in to ${title}`,
      before: ['Your sign-in is almost done. Enter this code:'],
      code: code(),
      after: [
        `It works once, for ${validFor}. We never ask you for it by phone or by mail: tell it to nobody.`,
        'If you are not signing in right now, somebody knows your password. Change it as soon as you can.',
      ],
    }),
    password_changed: (about) => ({
      subject: `Your ${about.title} password was changed`,
      before: [`The password of your ${about.title} account was changed on ${about.at}${from(about)}.`],
      after: [
        'If this was you, there is nothing to do.',
        `If this was not you, set a new password at once. If you cannot, ask the people who run ${about.title} for help.`,
      ],
    }),
    account_locked: (about) => ({
      subject: `Too many wrong passwords for your ${about.title} account`,
      before: [
        `A wrong password was entered for your ${about.title} account too many times in a row, the last time on ${about.at}${from(about)}. To protect you, no further attempt is accepted for ${about.validFor}.`,
      ],
      after: [
        'If this was you, wait that long, then sign in again.',
        'If this was not you, nobody got in, and there is nothing to do. A password that you use nowhere else keeps it that way.',
      ],
    }),
    account_locked_by_codes: (about) => ({
      subject: `Too many wrong codes for your ${about.title} account`,
      before: [
        `Wrong sign-in codes were entered too many times for your ${about.title} account, the last time on ${about.at}${from(about)}, each time after the right password. To protect you, no further attempt is accepted for ${about.validFor}.`,
      ],
      after: [
        'If this was you, wait that long, then sign in with the code of the latest mail.',
        'If this was not you, somebody knows your password, but did not get in: choose another one.',
      ],
    }),
    codes_guessed: (about) => ({
      subject: `Somebody knows the password of your ${about.title} account`,
      before: [
        `Wrong sign-in codes were entered too many times for your ${about.title} account, the last time on ${about.at}${from(about)}. Whoever did so knows your password, but did not get in.`,
      ],
      after: [
        'If this was not you, change your password now. For a day, codes are only sent to devices that you have signed in from before.',
        'If this was you, sign in from such a device, with the code of the latest mail.',
      ],
    }),
    locked_everywhere: (about) => ({
      subject: `Your ${about.title} account is closed to unknown devices`,
      before: [
        `A hundred wrong passwords were entered for your account within a day, the last one on ${about.at}${from(about)}, at ${about.title} and wherever else it opens something. To protect you, only devices that you have signed in from before are let in until the day is over.`,
      ],
      after: [
        'If this was not you, nobody got in. A password that you use nowhere else keeps it that way.',
        `If you need another device before that, ask the people who run ${about.title} to lift it.`,
      ],
    }),
    new_device: (about) => ({
      subject: `New sign-in to your ${about.title} account`,
      before: [
        `Somebody signed in to your ${about.title} account on ${about.at}${from(about)}, from a device that we had not seen before.`,
      ],
      after: [
        'If this was you, there is nothing to do.',
        'If this was not you, change your password at once: that also signs out every other device.',
      ],
    }),
    invited: ({ title, link, validFor }) => ({
      subject: `You were added to ${title}`,
      before: [`The people who run ${title} made an account for you, with this address. Choose a password to sign in.`],
      button: { label: 'Choose a password', link: link() },
      after: [
        `The link works once, for ${validFor}. Do not pass it on: whoever has it can set your password.`,
        `If you do not know ${title}, this is not you they mean: ignore this mail, and nobody signs in with your address.`,
      ],
    }),
    joined: (about) => ({
      subject: `Your account now opens ${about.title} too`,
      before: [
        `Your account was used to join ${about.title} on ${about.at}${from(about)}. You sign in there as you do elsewhere: with the same name and password.`,
      ],
      after: [
        'If this was you, there is nothing to do.',
        'If this was not you, somebody knows your password: change it at once. That signs out every device.',
      ],
    }),
    added: (about) => ({
      subject: `You were added to ${about.title}`,
      before: [
        `The people who run ${about.title} added your account on ${about.at}. You sign in there as you do elsewhere: with the same name and password.`,
      ],
      after: [
        `If you do not know ${about.title}, this is not you they mean, and there is nothing to do: your account opens nothing more to anybody.`,
      ],
    }),
    how_to_join: (about) => ({
      subject: `You have an account that opens ${about.title} too`,
      before: [
        `Somebody tried to register at ${about.title} with your address on ${about.at}${from(about)}. You need no new account: the one you have is good there too.`,
      ],
      after: [
        `If this was you, register at ${about.title} with the password that you have, or simply sign in there.`,
        'If this was not you, nobody got in, and there is nothing to do.',
      ],
    }),
    confirm_address: (about) => ({
      subject: `Confirm your new e-mail address for ${about.title}`,
      before: [
        `This address was given as the new one of a ${about.title} account. To sign in with it, confirm it with the password of that account.`,
      ],
      button: { label: 'Confirm my new address', link: about.link() },
      after: [
        `The link works once, for ${about.validFor}.`,
        'If this was not you, ignore this mail: without the password nothing changes.',
      ],
    }),
    address_changed: (about) => ({
      subject: `Your ${about.title} account has a new e-mail address`,
      before: [
        `The e-mail address of your ${about.title} account was changed on ${about.at}${from(about)}. This one no longer belongs to it, and gets no more mail about it.`,
        'If this was not you, take your account back: this address is yours again, every session ends, and you choose a new password.',
      ],
      button: { label: 'This was not me', link: about.link() },
      after: ['If this was you, there is nothing to do.', `The link works for ${about.validFor}.`],
    }),
  },
}
