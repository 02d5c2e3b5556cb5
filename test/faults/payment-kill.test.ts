import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { isAppError } from '../../src/core/errors.ts'
import { bookedFor, DEEDS } from '../setup/payment-cutoffs.ts'
import { buildScript, type Script } from '../setup/script.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'
import { openPaymentWorld, type PaymentWorld } from './payment-world.ts'

/**
 * Claim: a process that is killed loses no payment and charges none twice. Method: a process does each kind of operation
 * and is killed (SIGKILL) before the call to the processor, after it and before the append of the outcome, after that and
 * before the answer, and at statements of the projection; the database is opened again, the client repeats its request,
 * the worker recovers. The oracle are the books of the sandbox.
 */
const POINTS = ['requested', 'answered', 'recorded'] as const
/** A fold of a few events takes fewer; what comes after is not looked at. */
const STATEMENTS_MAX = 5
const MASTER = randomBytes(32).toString('base64')

for (const engine of sqlEngines()) {
  describe(`payments under kill -9 on ${engine.name}`, () => {
    const clock = fakeClock()
    let database: TestDatabase
    let script: Script
    let world: PaymentWorld
    const reopen = async () => {
      world = await openPaymentWorld(database.url, MASTER, clock)
    }
    beforeAll(async () => {
      database = await engine.create()
      // An embedded database is for one process at a time.
      if (engine.name === 'pglite') await database.sql.close()
      script = await buildScript(new URL('./payment-worker.ts', import.meta.url))
      await reopen()
    }, 60_000)
    afterAll(async () => {
      await world.close()
      await script.remove()
      await database.drop()
    })

    /** Does a deed in a process of its own; answers how it ended. */
    async function work(deed: number, id: string, key: string, at: string) {
      await world.close()
      const args = [database.url, MASTER, String(clock.now()), id, String(deed), key, at]
      const worker = script.start(args)
      const ended = await worker.ended
      await reopen()
      if (ended !== 'SIGKILL') expect(ended, worker.stderr()).toBe(0)
      return { killed: ended === 'SIGKILL' }
    }

    for (const [n, deed] of DEEDS.entries()) {
      it(`${deed.name} happens once, wherever its process dies`, { timeout: 120_000 }, async () => {
        for (const point of POINTS) {
          const id = await deed.prepare(world)
          const idempotencyKey = randomUUID()
          expect(await work(n, id, idempotencyKey, point)).toMatchObject({ killed: true })
          const repeat = () => deed.run(world.payments, id, { idempotencyKey })
          try {
            // The outcome was recorded, or nobody knows yet whether its process still lives.
            expect(await repeat()).toMatchObject(deed.ends)
          } catch (error) {
            if (!isAppError(error, 'idempotency_key_in_use')) throw error
          }
          await world.recover(30_000)
          const done = await repeat()
          expect(done, point).toMatchObject(deed.ends)
          expect(done).not.toHaveProperty('pending_operation')
          expect(await repeat()).toEqual(done)
          expect(await bookedFor(world, id), point).toEqual([...deed.booked].sort())
        }
      })
    }

    it('read models are right although they were killed between any two statements', { timeout: 240_000 }, async () => {
      const [deed] = DEEDS
      let killed = 0
      for (let at = 1; at <= STATEMENTS_MAX; at += 1) {
        if (!(await work(0, await deed!.prepare(world), randomUUID(), String(at))).killed) break
        killed += 1
      }
      expect(killed).toBe(STATEMENTS_MAX)
      await world.project()
      expect(await world.verify()).toMatchObject({ ok: true, differences: [] })
    })

    it('ends with books that agree', async () => {
      await world.project()
      expect(await world.verify()).toMatchObject({ ok: true, differences: [], open_operations: {} })
    })
  })
}
