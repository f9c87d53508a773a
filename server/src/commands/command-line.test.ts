import { describe, expect, test } from 'vitest'
import { StartError } from '../platform/errors.ts'
import { readCommandLine } from './command-line.ts'
import { commands } from './declarations/index.ts'

const read = (line: string) => readCommandLine(line === '' ? [] : line.split(' '), commands)
const given = (line: string) => {
  const found = read(line)
  if (found.kind !== 'command') throw new Error(`${line} is no command`)
  return [found.command.name, found.given]
}
const helpFor = (line: string) => {
  const found = read(line)
  if (found.kind !== 'help') throw new Error(`${line} is no call for help`)
  return found.text
}
const refusalOf = (line: string): string => {
  try {
    read(line)
  } catch (error) {
    if (error instanceof StartError) return error.message
    throw error
  }
  throw new Error(`${line} was taken`)
}

describe('a command line', () => {
  test.each<[string, string, object]>([
    ['start', 'start', { topology: [] }],
    ['start identity profiles', 'start', { topology: ['identity', 'profiles'] }],
    ['migrate', 'migrate', { 'no-backup': false, topology: 'all' }],
    ['migrate --no-backup --topology x', 'migrate', { 'no-backup': true, topology: 'x' }],
    ['--topology=x migrate', 'migrate', { 'no-backup': false, topology: 'x' }],
    ['migrate new orders order notes', 'migrate new', { service: 'orders', title: ['order', 'notes'] }],
    ['keys', 'keys', { topology: 'all' }],
    ['keys rotate --now', 'keys rotate', { now: true, topology: 'all' }],
    ['keys revoke -- -k', 'keys revoke', { kid: '-k', topology: 'all' }],
    ['dead-letters mail', 'dead-letters', { service: 'mail', action: undefined, topology: 'all' }],
    ['dead-letters mail replay', 'dead-letters', { service: 'mail', action: 'replay', topology: 'all' }],
    [
      'account grant ada admin --tenant Acme',
      'account grant',
      { name: 'ada', role: 'admin', tenant: 'Acme', contract: undefined },
    ],
  ])('%s is read', (line, name, expected) => {
    expect(given(line)).toEqual([name, expected])
  })

  test.each<[string, string]>([
    ['migrate --dry-run', '"migrate" has no option "--dry-run".'],
    ['seed --dry-run', '"seed" has no option "--dry-run".'],
    ['start --loud', '"start" has no option "--loud".'],
    ['migrate --no-bakcup', '"migrate" has no option "--no-bakcup". Did you mean "--no-backup"?'],
    ['import accounts x --dryrun', '"import accounts" has no option "--dryrun". Did you mean "--dry-run"?'],
    ['account create ada --pasword-stdin', 'Did you mean "--password-stdin"?'],
    ['keys revoke k --now', '"keys revoke" has no option "--now".'],
    ['keys --version', '"keys" has no option "--version".'],
    ['account create ada --role', '"--role" of "account create" needs a value: --role <role>.'],
    ['account create ada --role --verified', '"--role" of "account create" needs a value'],
    ['account create ada --verified=yes', '"--verified" of "account create" takes no value.'],
    ['tenant Acme --approval yes', '"--approval" of "tenant" takes on or off, not "yes".'],
    ['account create', '"account create" needs a <name>: the username, or the e-mail address.'],
    ['account grant ada', '"account grant" needs a <role>'],
    ['keys revoke', '"keys revoke" needs a <kid>'],
    ['migrate new orders', '"migrate new" needs a <title>'],
    ['migrate new order title', 'takes identity, profiles, orders, not "order". Did you mean "orders"?'],
    ['dead-letters identity', '"dead-letters" takes profiles, orders, mail, not "identity".'],
    ['dead-letters mail remove', '"dead-letters" takes replay, not "remove".'],
    ['dead-letters mail replay replay', '"replay" is a word too many for "dead-letters".'],
    ['keys revoke k l', '"l" is a word too many for "keys revoke".'],
    ['tenant a b', '"b" is a word too many for "tenant".'],
    ['keys rotat', '"rotat" is a word too many for "keys". Did you mean "keys rotate"?'],
    ['database craete', 'Did you mean "database create"?'],
  ])('%s is refused: %s', (line, said) => {
    const message = refusalOf(line)
    expect(message).toContain(said)
    expect(message, 'shows how it is used').toMatch(/\n\nUsage: npm run guichet -- [a-z].*\n`npm run guichet -- help /)
  })

  test.each([
    ['dance', 'There is no command "dance".'],
    ['strat', 'There is no command "strat". Did you mean "start"?'],
    ['acount create ada', 'There is no command "acount". Did you mean "account create"?'],
    ['account creat ada', 'There is no command "account creat". Did you mean "account create"?'],
    ['import people x', 'There is no command "import people".'],
    ['help dance', 'There is no command "dance".'],
    ['account', '"account" alone is no command. Which of these?'],
    ['--versoin', 'There is no option "--versoin" without a command. Did you mean "--version"?'],
  ])('%s is refused: %s', (line, said) => {
    expect(refusalOf(line)).toContain(said)
    expect(refusalOf(line)).toContain('`npm run guichet -- help')
  })

  test('never repeats what was given for an option that is not known, which may be a password', () => {
    expect(refusalOf('account create ada --password=hunter2')).not.toContain('hunter2')
    expect(refusalOf('account create ada --password hunter2')).not.toContain('hunter2')
  })
})

describe('help', () => {
  test.each(commands.map((command) => [command.name, command] as const))(
    'tells the usage, the options and an example of %s, which is one',
    (name, command) => {
      for (const line of [`${name} --help`, `help ${name}`, `${name} -h`]) {
        const text = helpFor(line)
        expect(text).toContain(`${name}: ${command.about}\n\nUsage: npm run guichet -- ${name}`)
        for (const option of Object.keys(command.options ?? {}))
          expect(text).toMatch(new RegExp(`^ {2}--${option}`, 'm'))
        expect(text).toContain(`Example:\n  npm run guichet -- ${command.example}`)
      }
      expect(given(command.example.replaceAll('"', ''))[0]).toBe(name)
      expect([command.run, command.serve].filter(Boolean)).toHaveLength(1)
    },
  )

  test.each(['', 'help', '--help', '-h'])('of "%s" lists every command', (line) => {
    for (const { name, about } of commands)
      expect(helpFor(line)).toMatch(new RegExp(`^  ${name}\\b.*  ${about.slice(0, 9)}`, 'm'))
  })

  test('of the first word of several commands lists these, also below the one that it is itself', () => {
    expect(helpFor('help account')).toMatch(/account create <name>[\s\S]*account grant <name> <role>/)
    expect(helpFor('account --help')).not.toContain('migrate')
    expect(helpFor('keys --help')).toMatch(/See also:\n {2}keys rotate[\s\S]*keys revoke <kid>/)
  })

  test('--version is one', () => {
    expect(read('--version')).toEqual({ kind: 'version' })
    expect(read('-v')).toEqual({ kind: 'version' })
  })
})
