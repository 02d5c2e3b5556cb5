import type { Queue } from '../../queue/port.ts'
import { createQueue, type QueueOptions } from '../../queue/queue.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
import { openQueueTransport, type SqlQueueOptions } from './queue-transport.ts'

// An embedded database serves one process, so whatever is claimed when it opens was held by one that died.
const FREE_LEFTOVERS = 'update queue_messages set claimed = false, visible_at = now() where claimed'

/**
 * The queue in tables of the database. Nothing is ordered by key; other processes see a new message within the poll,
 * this one at once. A message whose worker was killed comes again when its lease runs out, or when an embedded
 * database is opened again.
 */
export async function openSqlQueue(
  sql: SqlClient,
  context: PortContext,
  options: QueueOptions & SqlQueueOptions = {},
): Promise<Queue> {
  if (!sql.profile.concurrent) await sql.query(FREE_LEFTOVERS)
  return createQueue(openQueueTransport(sql, context.clock, options), context, options)
}
