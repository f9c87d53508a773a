/** Writes a line of a command's result to stdout. */
export type Print = (text: string) => void

/** A word after the command's own: what it is about. */
export interface Parameter {
  name: string
  about: string
  optional?: boolean
  /** The rest of the words, one at least unless it is optional. Only for the last. */
  many?: boolean
  oneOf?: readonly string[]
}

export interface Option {
  about: string
  /** What stands for its value in the help; a flag has none. */
  value?: string
  default?: string
  oneOf?: readonly string[]
}

type ParameterList = readonly Parameter[]
type OptionTable = Readonly<Record<string, Option>>

type WordsOf<Wanted extends ParameterList> = {
  [One in Wanted[number] as One['name']]: One extends { many: true }
    ? readonly string[]
    :
        | (One extends { oneOf: readonly (infer Choice)[] } ? Choice : string)
        | (One extends { optional: true } ? undefined : never)
}
type ValuesOf<Wanted extends OptionTable> = {
  [Name in keyof Wanted]: Wanted[Name] extends { value: string }
    ?
        | (Wanted[Name] extends { oneOf: readonly (infer Choice)[] } ? Choice : string)
        | (Wanted[Name] extends { default: string } ? never : undefined)
    : boolean
}

export interface Command {
  /** The words that call it. */
  name: string
  about: string
  parameters?: ParameterList
  options?: OptionTable
  /** What stands after `guichet` in its help. */
  example: string
  /** What it does to its end; each loads what it needs when it is called, so that an answer like `--version` waits for none. */
  run?(given: Readonly<Record<string, unknown>>, print: Print): Promise<void>
  /** In the place of `run`: what it starts, which goes on until it is stopped. */
  serve?(
    given: Readonly<Record<string, unknown>>,
    print: Print,
    atOnce: AbortSignal,
  ): Promise<{ stop(): Promise<void> }>
}

/** What is given to `run` and `serve`, by the names of what the command declares. */
interface Declaration<Words extends ParameterList, Values extends OptionTable> extends Command {
  parameters?: Words
  options?: Values
  run?(given: WordsOf<Words> & ValuesOf<Values>, print: Print): Promise<void>
  serve?(
    given: WordsOf<Words> & ValuesOf<Values>,
    print: Print,
    atOnce: AbortSignal,
  ): Promise<{ stop(): Promise<void> }>
}

/** Declares a command; what it is given has the types of what it declares. */
export const command = <
  const Words extends ParameterList = [],
  const Values extends OptionTable = Record<never, never>,
>(
  declaration: Declaration<Words, Values>,
): Command => declaration
