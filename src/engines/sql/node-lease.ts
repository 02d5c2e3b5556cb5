import { randomUUID } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { type Closable, startLoop } from '../../core/lifecycle.ts'
import type { Logger } from '../../core/logger.ts'
import type { SqlClient } from './sql.ts'

/**
 * Gives this process a node number that no other running process has, so that the ids it makes are unique. The lease
 * is far longer than its renewal; the number of a dead process is used again only after its lease has run out.
 */
const LEASE_SECONDS = 300
const RENEW_MS = 60_000

const TAKE = `
insert into id_nodes (node, owner, leased_until, holds_movable)
select n, $1, now() + make_interval(secs => $2), false from generate_series(0, 63) as n
where not exists (select 1 from id_nodes i where i.node = n and i.leased_until > now())
order by random() limit 1
on conflict (node) do update set owner = excluded.owner, leased_until = excluded.leased_until, holds_movable = false
where id_nodes.leased_until <= now()
returning node`

// Also behind its end, after an hour without the database: while nobody has taken the number, it is still ours.
const RENEW = `
update id_nodes set leased_until = now() + make_interval(secs => $2) where owner = $1 returning node`
const FORGET_ALL = 'delete from id_nodes'
const RELEASE = 'delete from id_nodes where owner = $1'

export interface NodeLease extends Closable {
  readonly node: number
}

export async function leaseNode(sql: SqlClient, logger: Logger): Promise<NodeLease> {
  const owner = randomUUID()
  // An embedded database serves one process, so whatever it holds is a leftover.
  if (!sql.profile.concurrent) await sql.query(FORGET_ALL)
  for (let attempt = 0; attempt < 64; attempt++) {
    const [row] = await sql.query<{ node: number }>(TAKE, [owner, LEASE_SECONDS])
    if (row !== undefined) return keepLease(sql, owner, row.node, logger)
  }
  throw new AppError('overloaded', 'All 64 node numbers are taken; at most 64 processes share one database')
}

function keepLease(sql: SqlClient, owner: string, node: number, logger: Logger): NodeLease {
  let first = true
  const loop = startLoop({
    name: 'node lease',
    logger,
    async step() {
      if (!first && (await sql.query(RENEW, [owner, LEASE_SECONDS])).length === 0) {
        logger.fatal({ node }, 'the node lease was lost: ids of this process may collide; restart it')
      }
      first = false
      return RENEW_MS
    },
  })
  return {
    node,
    async close() {
      await loop.close()
      await sql.query(RELEASE, [owner])
    },
  }
}
