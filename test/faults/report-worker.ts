import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openLogStore } from '../../src/engines/postgres/log-store.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { salesReportProjection } from '../../src/engines/postgres/report-projection.ts'
import { openSalesReportStore } from '../../src/engines/postgres/report-store.ts'
import type { SqlClient, SqlTx } from '../../src/engines/sql/sql.ts'
import { foldAll } from '../../src/log/fold.ts'
import { rebuild } from '../../src/log/projector.ts'

/** Few events in a batch, so that there are many steps to die between. */
const BATCH_EVENTS = 7

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}

/** A client whose process is killed at its `last`th step: before or after any statement, or before or after a commit. */
function mortal(sql: SqlClient, last: number): SqlClient & { steps: () => number } {
  let steps = 0
  const step = async () => {
    steps += 1
    if (steps === last) await die()
  }
  const stepping = <Args extends readonly unknown[], T>(work: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      await step()
      const result = await work(...args)
      await step()
      return result
    }
  }
  return {
    ...sql,
    query: stepping(sql.query) as SqlClient['query'],
    transaction: stepping((work: (tx: SqlTx) => Promise<unknown>, options) =>
      sql.transaction(
        async (tx) => {
          const result = await work({
            query: stepping(tx.query) as SqlTx['query'],
            script: stepping(tx.script),
          })
          await step()
          return result
        },
        options as Parameters<SqlClient['transaction']>[1],
      ),
    ) as SqlClient['transaction'],
    steps: () => steps,
  }
}

/** Works on the report of a database, until done or killed at a step (0: never); tells how many steps it took. */
export async function main(url: string, job: string, killAt: string): Promise<void> {
  const real = await openPg(new URL(url), PROFILES.postgres, { poolSize: 4, logger: silentLogger })
  const sql = mortal(real, Number(killAt))
  const store = await openLogStore(sql, 'orders')
  const context = { store, logger: silentLogger, batchEvents: BATCH_EVENTS }
  if (job === 'fold') await foldAll(context, salesReportProjection)
  else if (job === 'rebuild') await rebuild(context, salesReportProjection)
  else await openSalesReportStore(sql).rebuildMonth(job, () => undefined)
  process.stdout.write(`${JSON.stringify({ steps: sql.steps() })}\n`)
  await real.close()
}
