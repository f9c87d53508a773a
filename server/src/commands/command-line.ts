import { parseArgs } from 'node:util'
import { StartError } from '../platform/errors.ts'
import { suggestion } from '../platform/nearest.ts'
import type { Command, Parameter } from './command.ts'
import { helpAdvice, helpOf, helpOfGroup, overview, usageOf } from './help.ts'

/** What the words of a command line ask for. */
export type CommandLine =
  | { kind: 'version' }
  | { kind: 'help'; text: string }
  | { kind: 'command'; command: Command; given: Readonly<Record<string, unknown>> }

type OptionToken = { name: string; rawName: string; value?: string | undefined; inlineValue?: boolean | undefined }

const general = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } } as const

/** Finds the command, and what it is given. A StartError says which word or option does not fit, and what was likely meant. */
export function readCommandLine(args: readonly string[], commands: readonly Command[]): CommandLine {
  const { words, options } = tokensOf(args, commands)
  const [first] = words
  const asksForHelp = first === 'help' || options.some(({ name }) => name === 'help')
  const named = first === 'help' ? words.slice(1) : words
  const command = findCommand(named, commands)
  if (asksForHelp) return { kind: 'help', text: helpAbout(command, named, commands) }
  if (named.length === 0) return withoutCommand(options, commands)
  if (!command) throw unknownCommand(named, commands)
  const rest = named.slice(command.name.split(' ').length)
  return { kind: 'command', command, given: { ...valuesOf(command, options), ...wordsOf(command, rest, commands) } }
}

function tokensOf(args: readonly string[], commands: readonly Command[]) {
  const declared = commands.flatMap(({ options = {} }) => Object.entries(options))
  const typed = declared.map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }])
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...Object.fromEntries(typed), ...general },
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []))
  const options = tokens.flatMap((token): OptionToken[] => (token.kind === 'option' ? [token] : []))
  return { words, options }
}

/** The one with the longest name that the words begin with. */
const findCommand = (words: readonly string[], commands: readonly Command[]): Command | undefined =>
  commands
    .filter(({ name }) => `${words.join(' ')} `.startsWith(`${name} `))
    .sort((one, other) => other.name.length - one.name.length)[0]

const beginningWith = (name: string, commands: readonly Command[]): Command[] =>
  commands.filter((command) => command.name.startsWith(`${name} `))

function helpAbout(command: Command | undefined, words: readonly string[], commands: readonly Command[]): string {
  if (command) return helpOf(command, beginningWith(command.name, commands))
  if (words.length === 0) return overview(commands)
  const group = beginningWith(words.join(' '), commands)
  if (group.length === 0) throw unknownCommand(words, commands)
  return helpOfGroup(group)
}

function withoutCommand(options: readonly OptionToken[], commands: readonly Command[]): CommandLine {
  const unknown = options.find(({ name }) => name !== 'version')
  if (unknown) {
    const known = Object.keys(general).map((name) => `--${name}`)
    throw new StartError(
      `There is no option "${unknown.rawName}" without a command.${suggestion(unknown.rawName, known)}\n\n${helpAdvice()}`,
    )
  }
  return options.length > 0 ? { kind: 'version' } : { kind: 'help', text: overview(commands) }
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): StartError {
  const [first = ''] = words
  const group = beginningWith(first, commands)
  if (group.length > 0 && words.length === 1)
    return new StartError(`"${first}" alone is no command. Which of these?\n\n${helpOfGroup(group)}`)
  const names = commands.map(({ name }) => name)
  const said = group.length > 0 ? words.slice(0, 2).join(' ') : first
  const near = group.length > 0 ? suggestion(said, names) : suggestionOf(words, names)
  return new StartError(`There is no command "${said}".${near}\n\n${helpAdvice()}`)
}

/** The command, or the first word of some, that was likely meant. */
function suggestionOf(words: readonly string[], names: readonly string[]): string {
  const whole = suggestion(words.slice(0, 2).join(' '), names)
  return whole || suggestion(words[0] ?? '', [...new Set(names.map((name) => name.split(' ')[0] ?? ''))])
}

const misused = (command: Command, problem: string): StartError =>
  new StartError(`${problem}\n\n${usageOf(command)}\n${helpAdvice(command.name)}`)

function valuesOf(command: Command, tokens: readonly OptionToken[]): Record<string, unknown> {
  const { name: called, options = {} } = command
  const defaults = Object.entries(options).map(([name, option]) => [
    name,
    option.value === undefined ? false : option.default,
  ])
  const given = tokens.map(({ name, rawName, value, inlineValue }) => {
    const option = Object.hasOwn(options, name) ? options[name] : undefined
    if (!option) {
      const known = Object.keys(options).map((one) => `--${one}`)
      throw misused(command, `"${called}" has no option "${rawName}".${suggestion(rawName, known)}`)
    }
    if (option.value === undefined) {
      if (value !== undefined) throw misused(command, `"--${name}" of "${called}" takes no value.`)
      return [name, true]
    }
    if (value === undefined || value === '' || (value.startsWith('-') && !inlineValue))
      throw misused(command, `"--${name}" of "${called}" needs a value: --${name} ${option.value}.`)
    if (option.oneOf && !option.oneOf.includes(value))
      throw misused(command, `"--${name}" of "${called}" takes ${option.oneOf.join(' or ')}, not "${value}".`)
    return [name, value]
  })
  return Object.fromEntries([...defaults, ...given])
}

function wordsOf(command: Command, words: readonly string[], commands: readonly Command[]): Record<string, unknown> {
  const { name: called, parameters = [] } = command
  const given = parameters.map((parameter, index) => {
    const { name, optional, many, oneOf } = parameter
    const value = many ? words.slice(index) : words[index]
    if (!optional && (value === undefined || value.length === 0))
      throw misused(command, `"${called}" needs ${article(parameter)}: ${parameter.about}.`)
    if (oneOf && typeof value === 'string' && !oneOf.includes(value))
      throw misused(command, `"${called}" takes ${oneOf.join(', ')}, not "${value}".${suggestion(value, oneOf)}`)
    return [name, value]
  })
  const extra = parameters.some(({ many }) => many) ? undefined : words[parameters.length]
  if (extra !== undefined) {
    const others = beginningWith(called, commands).map(({ name }) => name)
    throw misused(command, `"${extra}" is a word too many for "${called}".${suggestion(`${called} ${extra}`, others)}`)
  }
  return Object.fromEntries(given)
}

const article = ({ name }: Parameter): string => `a <${name}>`
