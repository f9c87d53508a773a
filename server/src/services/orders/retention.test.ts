import { beforeAll } from 'vitest'
import { idempotencyKeys, inbox, outbox, testRetention } from '../../../tests/support/retention.ts'
import { freshDatabase } from '../../../tests/support/test-databases.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { silentLogger } from '../../platform/log.ts'
import { migrations, pruning } from './index.ts'

const fresh = freshDatabase('orders retention')
beforeAll(async () => {
  await migrate(fresh.url, migrations, { log: silentLogger() })
})

testRetention(fresh, pruning, [idempotencyKeys, outbox, inbox], [])
