import { silentLogger } from '../../src/core/logger.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { foldAll } from '../../src/log/fold.ts'
import { rebuild } from '../../src/log/projector.ts'
import { openOrderProcess } from '../setup/order-process.ts'

/** Few events in a batch, so that there are many steps to die between. */
const BATCH_EVENTS = 7

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}

type Call = (...args: never[]) => Promise<unknown>
const NOT_STEPS = ['version', 'close', 'session']

/**
 * What a client, or a transaction of one, can do, with a step before and after each call: at the `last`th the process is
 * killed. A transaction has steps of its own inside, and one before its commit.
 */
function stepping<Callee extends object>(callee: Callee, step: () => Promise<void>): Callee {
  const calls = Object.entries(callee).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function' || NOT_STEPS.includes(name)) return [name, value]
    const call = value as Call
    return [
      name,
      async (first: never, ...rest: never[]) => {
        await step()
        const work = first as unknown
        const given =
          typeof work !== 'function'
            ? first
            : ((async (tx: object) => {
                const result = await work(stepping(tx, step))
                await step()
                return result
              }) as never)
        const result = await call(given, ...rest)
        await step()
        return result
      },
    ]
  })
  return Object.fromEntries(calls) as Callee
}

/** Works on the report of a database, until done or killed at a step (0: never); tells how many steps it took. */
export async function main(url: string, job: string, killAt: string): Promise<void> {
  let steps = 0
  const step = async () => {
    steps += 1
    if (steps === Number(killAt)) await die()
  }
  const options = { poolSize: 4, logger: silentLogger }
  const database = await openOrderProcess(url, options, <Client extends SqlClient>(sql: Client) => stepping(sql, step))
  const context = { store: await database.log(), logger: silentLogger, batchEvents: BATCH_EVENTS }
  if (job === 'fold') await foldAll(context, database.projection)
  else if (job === 'rebuild') await rebuild(context, database.projection)
  else await database.report().rebuildMonth(job, () => undefined)
  process.stdout.write(`${JSON.stringify({ steps })}\n`)
  await database.close()
}
