/** Seconds a mailed link to prove an address is good for. */
export const verificationTtl = 24 * 3600
/** Seconds a one-time code is good for, and wrong ones that end its sign-in. */
export const codeTtl = 5 * 60
export const codeAttempts = 5
/** Sign-ins ended by wrong codes, in whichever contract, after which unknown devices get no further code for a day (NIST 800-63B-4). */
export const codeLockout = { failures: 10, seconds: 24 * 3600 }
/** Links to prove an address that an account may be mailed in an hour, the one from registration included. */
export const verificationsPerHour = 3
/** Links to reset a password that an account may be mailed in an hour. */
export const resetsPerHour = 5

/** Links that an address may be mailed in an hour, by whichever account, so that nobody floods a stranger. */
export const linksPerAddress = 10

/** The longest password that is hashed, in UTF-16 units: NIST 800-63B-4 asks for at least 64; longer ones only cost. */
export const longestPassword = 256

/** The characters of a username that somebody chose; one that is the e-mail address may have those of addresses. */
export const usernamePattern = /^[A-Za-z0-9._@+-]{2,254}$/

/**
 * An e-mail address as HTML takes one (WHATWG, "valid e-mail address"), within the lengths of RFC 5321 and with dots only where its
 * Dot-string has them, since no server takes mail for another; whether it works only a mail can tell.
 */
export const emailPattern =
  /^(?=.{3,254}$)(?=[^@]{1,64}@)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i
