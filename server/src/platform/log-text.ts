import { styleText } from 'node:util'

const levels: Readonly<Record<number, readonly [string, Parameters<typeof styleText>[0]]>> = {
  10: ['TRACE', 'gray'],
  20: ['DEBUG', 'gray'],
  30: ['INFO', 'green'],
  40: ['WARN', 'yellow'],
  50: ['ERROR', 'red'],
  60: ['FATAL', 'red'],
}

/** A line of the log, which comes as JSON, in the form for people; what is no such line stays as it is. */
export function logText(line: string, coloured: boolean): string {
  const fields = parsed(line)
  if (!fields) return line
  const { level, time, unit, instance, msg, err, ...others } = fields
  const [name, colour] = levels[Number(level)] ?? [String(level), 'gray' as const]
  const paint = (style: typeof colour, text: string) =>
    coloured ? styleText(style, text, { validateStream: false }) : text
  // There is more than one instance only where somebody gave them names.
  const from = instance === undefined || instance === `${unit}-1` ? unit : `${unit}/${instance}`
  const details = Object.entries(others).map(([key, value]) => `${paint('gray', `${key}=`)}${valueText(value)}`)
  const stack = err === undefined ? '' : `\n${stackOf(err)}`
  const head = [paint('gray', clock(String(time))), paint(colour, name.padEnd(5)), from, printable(String(msg ?? ''))]
  return `${[...head, ...details].filter((part) => part !== undefined).join(' ')}${stack}\n`
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const fields: unknown = JSON.parse(line)
    return typeof fields === 'object' && fields !== null ? { ...fields } : undefined
  } catch {
    return undefined
  }
}

/** The time of day where the reader is, with milliseconds. */
function clock(time: string): string {
  const at = new Date(time)
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

const valueText = (value: unknown): string => {
  const plain = typeof value === 'string' && /^[\w./:@%+*-]+$/.test(value)
  return plain ? value : printable(JSON.stringify(value))
}

const stackOf = (err: unknown): string => {
  const { stack, message, type, ...others } = Object(err)
  const more = Object.keys(others).length === 0 ? '' : `\n${JSON.stringify(others)}`
  return printable(`${stack ?? message ?? ''}${more}`).replaceAll(/^/gm, '  ')
}

/** A terminal takes some characters for commands, and what is logged may come from anybody. */
const printable = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\n\t]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
