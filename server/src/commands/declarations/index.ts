import type { Command } from '../command.ts'
import { accounts } from './accounts.ts'
import { processes } from './processes.ts'

/** Every command of the command line. */
export const commands: readonly Command[] = [...processes, ...accounts]
