import type { Command, Option, Parameter } from './command.ts'

const program = 'npm run guichet --'

/** What calls a command, with its words: `account grant <name> <role>`. */
const callOf = ({ name, parameters = [] }: Command): string => [name, ...parameters.map(wordOf)].join(' ')

function wordOf({ name, optional, many, oneOf }: Parameter): string {
  const text = `${oneOf?.join('|') ?? name}${many ? ' ...' : ''}`
  return optional ? `[${text}]` : `<${text}>`
}

const optionOf = ([name, { value }]: [string, Option]): string => `--${name}${value === undefined ? '' : ` ${value}`}`

/** The line that shows how a command is used. */
export function usageOf(command: Command): string {
  const options = Object.entries(command.options ?? {}).map((option) => `[${optionOf(option)}]`)
  return ['Usage:', program, callOf(command), ...options].join(' ')
}

/** Where the help of a command, or of all, is found. */
export const helpAdvice = (name = ''): string => `\`${[program, 'help', name].join(' ').trimEnd()}\` tells more.`

/** All commands, for who asks for help without naming one. */
export const overview = (commands: readonly Command[]): string => `Usage: ${program} <command>

${columns(commands.map((command) => [callOf(command), command.about]))}

  help <command>, <command> --help   what a command does, with its options and an example
  --help, --version

Variables: see .env.example.`

/** What a command does, how it is used, and an example; with `others` that begin with its name. */
export function helpOf(command: Command, others: readonly Command[]): string {
  const { name, about, parameters = [], options = {}, example } = command
  const sections: [string, readonly (readonly [string, string])[]][] = [
    ['Words', parameters.map((parameter) => [wordOf(parameter), parameter.about])],
    ['Options', Object.entries(options).map((option) => [optionOf(option), option[1].about])],
    ['See also', others.map((other) => [callOf(other), other.about])],
  ]
  return [
    `${name}: ${about}`,
    usageOf(command),
    ...sections.filter(([, lines]) => lines.length > 0).map(([title, lines]) => `${title}:\n${columns(lines)}`),
    `Example:\n  ${program} ${example}`,
  ].join('\n\n')
}

/** Commands that begin with the same word, none of which is called by that word alone. */
export const helpOfGroup = (group: readonly Command[]): string =>
  `${columns(group.map((command) => [callOf(command), command.about]))}\n\n${helpAdvice('<command>')}`

function columns(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([left]) => left.length))
  return lines.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`).join('\n')
}
