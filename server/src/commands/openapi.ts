import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openApiOf } from '../contracts/_kit/openapi/index.ts'
import { contracts } from '../contracts/registry.ts'
import { StartError } from '../platform/errors.ts'
import type { Print } from './command.ts'
import { jsonText } from './json-text.ts'

/** Writes the OpenAPI document of every contract beside it; with `check` it only says which are out of date. */
export async function openapi({ check }: { check: boolean }, print: Print): Promise<void> {
  const stale: string[] = []
  for (const contract of Object.values(contracts)) {
    const file = join(import.meta.dirname, '..', 'contracts', contract.name, 'openapi.json')
    const text = `${jsonText(openApiOf(contract))}\n`
    const present = await readFile(file, 'utf8').catch(() => '')
    if (present === text) continue
    if (check) stale.push(contract.name)
    else {
      await writeFile(file, text)
      print(`Wrote ${file}.`)
    }
  }
  if (stale.length > 0) {
    throw new StartError(
      `Out of date: the openapi.json of ${stale.join(', ')}. Run \`npm run guichet -- openapi\` and commit it.`,
    )
  }
}
