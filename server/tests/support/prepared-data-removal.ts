import { rm } from 'node:fs/promises'
import { preparedDataVariable } from './prepared-data.ts'

/** Nothing to set up: the data folder that others are copied from is made when it is needed, and removed after the run. */
export default function setup(): () => Promise<void> {
  return async () => {
    const prepared = process.env[preparedDataVariable]
    if (prepared) await rm(prepared, { recursive: true, force: true })
  }
}
