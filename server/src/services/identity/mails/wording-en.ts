import type { Told, Wording } from './wording.ts'

const from = ({ ip }: Told): string => (ip === undefined ? '' : ` from ${ip}`)

export const english: Wording = {
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
    reset_password: (told) => ({
      subject: `Choose a new password for ${told.title}`,
      before: [`We were asked${from(told)} for a new password for your ${told.title} account.`],
      button: { label: 'Choose a new password', link: told.link() },
      after: [
        `The link works once, for ${told.validFor}. Do not pass it on: whoever has it can set your password.`,
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
    password_changed: (told) => ({
      subject: `Your ${told.title} password was changed`,
      before: [`The password of your ${told.title} account was changed on ${told.at}${from(told)}.`],
      after: [
        'If this was you, there is nothing to do.',
        `If this was not you, set a new password at once. If you cannot, ask the people who run ${told.title} for help.`,
      ],
    }),
    account_locked: (told) => ({
      subject: `Too many wrong passwords for your ${told.title} account`,
      before: [
        `A wrong password was entered for your ${told.title} account too many times in a row, the last time on ${told.at}${from(told)}. To protect you, no further attempt is accepted for ${told.validFor}.`,
      ],
      after: [
        'If this was you, wait that long, then sign in again.',
        'If this was not you, nobody got in, and there is nothing to do. A password that you use nowhere else keeps it that way.',
      ],
    }),
    codes_guessed: (told) => ({
      subject: `Somebody knows the password of your ${told.title} account`,
      before: [
        `Wrong sign-in codes were entered too many times for your ${told.title} account, the last time on ${told.at}${from(told)}. Whoever did so knows your password, but did not get in.`,
      ],
      after: [
        'If this was not you, change your password now. For a day, codes are only sent to devices that you have signed in from before.',
        'If this was you, sign in from such a device, with the code of the latest mail.',
      ],
    }),
    new_device: (told) => ({
      subject: `New sign-in to your ${told.title} account`,
      before: [
        `Somebody signed in to your ${told.title} account on ${told.at}${from(told)}, from a device that we had not seen before.`,
      ],
      after: [
        'If this was you, there is nothing to do.',
        'If this was not you, change your password at once: that also signs out every other device.',
      ],
    }),
    address_changed: (told) => ({
      subject: `Your ${told.title} account has a new e-mail address`,
      before: [
        `The e-mail address of your ${told.title} account was changed on ${told.at}${from(told)}. This one no longer belongs to it, and gets no more mail about it.`,
      ],
      after: [
        'If this was you, there is nothing to do.',
        `If this was not you, tell the people who run ${told.title} at once: somebody else may be using your account.`,
      ],
    }),
  },
}
