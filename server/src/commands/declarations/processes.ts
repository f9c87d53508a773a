import { serviceNames } from '../../contracts/_kit/services.ts'
import { type Command, command } from '../command.ts'
import { topology } from './options.ts'

/** What runs, and the databases it runs on. */
export const processes: readonly Command[] = [
  command({
    name: 'start',
    about: 'start what is named (default: all)',
    parameters: [
      {
        name: 'topology',
        about:
          'all, a contract’s topology, one unit of it (topology/unit), or roles: gateway, identity, profiles, orders',
        optional: true,
        many: true,
      },
    ],
    example: 'start identity profiles',
    async serve({ topology: words }, print, atOnce) {
      const { start } = await import('../start.ts')
      return start(words, print, atOnce)
    },
  }),
  command({
    name: 'migrate',
    about: 'bring the databases to the present schema, after a backup',
    options: { 'no-backup': { about: 'make no backup first' }, topology },
    example: 'migrate --no-backup',
    async run({ 'no-backup': noBackup, topology }, print) {
      const { migrate } = await import('../migrate.ts')
      await migrate({ backup: !noBackup, topology }, print)
    },
  }),
  command({
    name: 'migrate new',
    about: 'make the next numbered SQL file of a service',
    parameters: [
      { name: 'service', about: 'whose database', oneOf: serviceNames },
      { name: 'title', about: 'what the migration does', many: true },
    ],
    example: 'migrate new orders "order notes"',
    async run({ service, title }, print) {
      const { newMigrationFor } = await import('../migrate.ts')
      await newMigrationFor(service, title.join(' '), print)
    },
  }),
  command({
    name: 'database',
    about: 'run the embedded PostgreSQL alone and print its URLs',
    example: 'database',
    async serve(_, print, atOnce) {
      const { database } = await import('../database.ts')
      return database(print, atOnce)
    },
  }),
  command({
    name: 'database create',
    about: 'make the databases that the URLs name',
    options: { topology },
    example: 'database create',
    async run({ topology }, print) {
      const { createDatabases } = await import('../create-databases.ts')
      await createDatabases([topology], print)
    },
  }),
  command({
    name: 'seed',
    about: 'write the demo data (development only)',
    options: { topology },
    example: 'seed',
    async run({ topology }, print) {
      const { seed } = await import('../seed.ts')
      await seed({ topology }, print)
    },
  }),
  command({
    name: 'dead-letters',
    about: 'list the events or mails that failed for good, or try them again',
    parameters: [
      { name: 'service', about: 'whose', oneOf: ['profiles', 'orders', 'mail'] },
      { name: 'action', about: 'replay: try them again', optional: true, oneOf: ['replay'] },
    ],
    options: { topology },
    example: 'dead-letters mail replay',
    async run({ service, action, topology }, print) {
      const { deadLetters } = await import('../dead-letters.ts')
      await deadLetters(service, { replay: action === 'replay', topology }, print)
    },
  }),
  command({
    name: 'keys',
    about: 'list the keys that sign access tokens',
    options: { topology },
    example: 'keys',
    async run({ topology }, print) {
      const { listKeys } = await import('../keys.ts')
      await listKeys(topology, print)
    },
  }),
  command({
    name: 'keys rotate',
    about: 'publish a new key, which signs in ten minutes',
    options: { now: { about: 'it signs at once; programs of others may not know it yet' }, topology },
    example: 'keys rotate --now',
    async run({ now, topology }, print) {
      const { rotateKeys } = await import('../keys.ts')
      await rotateKeys({ now, topology }, print)
    },
  }),
  command({
    name: 'keys revoke',
    about: 'withdraw a key that has become known',
    parameters: [{ name: 'kid', about: 'the key’s id, as `keys` lists it' }],
    options: { topology },
    example: 'keys revoke 2f1c9f0e',
    async run({ kid, topology }, print) {
      const { revokeKey } = await import('../keys.ts')
      await revokeKey(kid, topology, print)
    },
  }),
  command({
    name: 'openapi',
    about: 'write the OpenAPI documents',
    options: { check: { about: 'only say which are out of date' } },
    example: 'openapi --check',
    async run({ check }, print) {
      const { openapi } = await import('../openapi.ts')
      await openapi({ check }, print)
    },
  }),
]
