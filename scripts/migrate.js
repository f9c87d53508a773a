// Brings databases to the present schema, after a backup: `node scripts/migrate.js [--topology helpdesk] [--no-backup]`.
// The SQL files lie in server/src/services/*/migrations; `guichet migrate` runs them.
process.argv.splice(2, 0, 'migrate')
await import('../server/guichet.cjs')
