import { idempotencyKeys, inbox, outbox, testRetention } from '../../../tests/support/retention.ts'
import { freshDatabase } from '../../../tests/support/test-databases.ts'
import { pruning } from './index.ts'

const fresh = freshDatabase('orders retention', { service: 'orders' })

testRetention(fresh, pruning, [idempotencyKeys, outbox, inbox], [])
