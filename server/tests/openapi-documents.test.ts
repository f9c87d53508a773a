import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { contractNames, contracts } from '../src/contracts/registry.ts'
import { repository } from './support/processes.ts'

interface Media {
  schema: { $ref?: string; format?: string }
  example?: unknown
}
interface Content {
  $ref?: string
  content?: Record<string, Media>
}
interface Operation {
  operationId: string
  parameters?: { name: string; schema: object; example?: unknown }[]
  requestBody?: Content
  responses: Record<string, Content>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown>; responses: Record<string, Content> }
}

const textOf = (name: string) => readFile(join(repository, 'server', 'src', 'contracts', name, 'openapi.json'), 'utf8')
const operationsOf = ({ paths }: Document) => Object.values(paths).flatMap((methods) => Object.values(methods))

const config = await createConfig({ extends: ['recommended'] })
const problemsOf = async (source: string) =>
  (await lintFromString({ source, absoluteRef: '/openapi.json', config })).map(
    ({ ruleId, location }) => `${ruleId} at ${location[0]?.pointer}`,
  )

describe.each(contractNames)('the document of %s', (name) => {
  let text = ''
  let document: Document
  beforeAll(async () => {
    text = await textOf(name)
    document = JSON.parse(text)
  })

  test('has nothing that Redocly’s recommended rules complain about', { timeout: 60_000 }, async () => {
    expect(await problemsOf(text)).toEqual([])
  })

  test('has examples, each as its schema wants it, of every request body and every success', () => {
    // Formats are for readers; a binary one has no example.
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema(document, 'document')
    const validationErrors = (schema: object, example: unknown) => {
      const reference = (schema as Media['schema']).$ref
      const valid = ajv.compile(reference ? { $ref: `document${reference}` } : schema)
      return valid(example) ? [] : [ajv.errorsText(valid.errors)]
    }
    const wrong = operationsOf(document).flatMap(({ operationId, parameters = [], requestBody, responses }) => {
      const successes = Object.entries(responses).filter(([status]) => Number(status) < 300)
      const media = [requestBody, ...successes.map(([, response]) => response)]
        .flatMap((one) => Object.entries(one?.content ?? {}))
        .filter(([type]) => type === 'application/json')
      return [
        ...media.flatMap(([, { schema, example }]) =>
          example === undefined ? ['no example'] : validationErrors(schema, example),
        ),
        ...parameters.flatMap(({ schema, example }) =>
          example === undefined ? [] : validationErrors(schema, example),
        ),
      ].map((problem) => `${operationId}: ${problem}`)
    })
    expect(wrong).toEqual([])
    const failures = Object.values(document.components.responses).flatMap(({ content }) => Object.values(content ?? {}))
    expect(failures.flatMap(({ schema, example }) => validationErrors(schema, example))).toEqual([])
  })

  test('uses every shape that its contract names, and no example that nothing shows', () => {
    const named = Object.keys(contracts[name].documentation.schemas)
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(named))
    for (const field of Object.keys(contracts[name].documentation.fields)) {
      expect(text, field).toContain(`"${field.split('.').at(-1)}"`)
    }
  })
})

test('a fault in a document is found', async () => {
  const document = JSON.parse(await textOf('shop'))
  const login = document.paths['/auth/login'].post
  login.requestBody.content['application/json'].example = { username: 1 }
  delete login.operationId
  document.components.schemas.Unused = { type: 'string' }
  const found = (await problemsOf(JSON.stringify(document))).join('\n')
  for (const rule of ['operation-operationId', 'no-invalid-media-type-examples', 'no-unused-components']) {
    expect(found).toContain(rule)
  }
})

test('the first thing to try in the first document signs in with the demo account', async () => {
  const [first] = operationsOf(JSON.parse(await textOf(contractNames[0]!)))
  const { username, password } = contracts.shop.deployment.demo!.accounts[0]!
  expect(first?.requestBody?.content?.['application/json']?.example).toEqual({ username, password })
})
