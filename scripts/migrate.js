// Brings databases to the present schema, after a backup: `node scripts/migrate.js [--topology helpdesk] [--no-backup]`.
// The SQL files lie in server/src/services/*/migrations; `guichet migrate` runs them, by the Node of the project.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const node = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
const { status, error } = spawnSync(
  node,
  [join(root, 'server', 'src', 'main.ts'), 'migrate', ...process.argv.slice(2)],
  { stdio: 'inherit', shell: process.platform === 'win32' },
)
if (error) console.error(`${node} does not start (${error.message}): run \`npm ci\` at ${root} first.`)
process.exitCode = status ?? 1
