import { describe, expect, test } from 'vitest'
import { createReader, type Environment } from './environment.ts'
import { readAvatarStore, readUploadMaxBytes } from './storage.ts'

const bucket = {
  GUICHET_S3_ENDPOINT: 'https://s3.example.org/',
  GUICHET_S3_BUCKET: 'guichet-avatars',
  GUICHET_S3_ACCESS_KEY: 'AKIAEXAMPLE',
  GUICHET_S3_SECRET_KEY: 'short secret',
}

function reading(env: Environment) {
  const read = createReader(env, {})
  return { store: readAvatarStore(read, '/data'), problems: read.problems }
}

describe('where avatars are kept', () => {
  test('in the data folder while nothing is said', () => {
    expect(reading({ GUICHET_S3_BUCKET: ' ' })).toEqual({ store: { directory: '/data/avatars' }, problems: [] })
  })

  test('in a bucket, whose region has a default', () => {
    const store = {
      endpoint: 'https://s3.example.org',
      bucket: 'guichet-avatars',
      region: 'us-east-1',
      accessKey: 'AKIAEXAMPLE',
      secretKey: 'short secret',
    }
    expect(reading(bucket)).toEqual({ store, problems: [] })
    expect(reading({ ...bucket, GUICHET_S3_REGION: 'auto' }).store).toEqual({ ...store, region: 'auto' })
  })

  test.each([...Object.keys(bucket), 'GUICHET_S3_REGION'])('with %s alone the others are wanted', (name) => {
    const { store, problems } = reading({ [name]: 'https://s3.example.org' })
    const missing = Object.keys(bucket).filter((one) => one !== name)
    expect(problems).toContainEqual(expect.stringContaining(`${missing.join(', ')} are missing`))
    expect(store).not.toHaveProperty('directory')
  })

  test.each([
    ['GUICHET_S3_ENDPOINT', 's3.example.org', 'must be a URL'],
    ['GUICHET_S3_BUCKET', 'Avatars/of mine', 'must be the name of a bucket'],
    ['GUICHET_S3_REGION', 'us east', 'must be a region'],
  ])('%s=%s is a problem', (name, value, problem) => {
    expect(reading({ ...bucket, [name]: value }).problems).toEqual([expect.stringContaining(problem)])
  })
})

test.each([
  [undefined, 5_242_880, 0],
  ['1m', 1_048_576, 0],
  ['1023', 5_242_880, 1],
  ['51m', 5_242_880, 1],
])('GUICHET_UPLOAD_MAX_BYTES=%s is %i bytes', (value, bytes, problems) => {
  const read = createReader({ GUICHET_UPLOAD_MAX_BYTES: value }, {})
  expect(readUploadMaxBytes(read)).toBe(bytes)
  expect(read.problems).toHaveLength(problems)
})
