import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { leaseNode, type NodeLease } from '../../src/engines/sql/node-lease.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'

for (const engine of sqlEngines()) {
  describe(`node numbers on ${engine.name}`, () => {
    let database: TestDatabase
    let leases: NodeLease[] = []
    const lease = async () => {
      const one = await leaseNode(database.sql, silentLogger)
      leases.push(one)
      return one
    }
    beforeAll(async () => {
      database = await engine.create()
    })
    beforeEach(async () => {
      await Promise.all(leases.map((one) => one.close()))
      leases = []
    })
    afterAll(async () => {
      await Promise.all(leases.map((one) => one.close()))
      await database.drop()
    })
    const held = async () => (await database.sql.query('select 1 from id_nodes')).length

    it('gives a number of 0 to 63 and takes it back on closing', async () => {
      const one = await lease()
      expect(one.node).toBeGreaterThanOrEqual(0)
      expect(one.node).toBeLessThan(64)
      await one.close()
      expect(await held()).toBe(0)
    })

    it.runIf(engine.name === 'pglite')(
      'takes what an embedded database still holds for the leftover of a dead process',
      async () => {
        await lease()
        await lease()
        expect(await held()).toBe(1)
      },
    )

    it.runIf(engine.name === 'postgres')(
      'gives different numbers to processes that ask at the same time, and no more than 64',
      async () => {
        const all = await Promise.all(Array.from({ length: 64 }, lease))
        expect(new Set(all.map((one) => one.node)).size).toBe(64)
        await expect(lease()).rejects.toSatisfy((error) => isAppError(error, 'overloaded'))
        await all[17]!.close()
        expect((await lease()).node).toBe(all[17]!.node)
      },
    )

    it.runIf(engine.name === 'postgres')(
      'gives the number of a dead process again after its lease, not before',
      async () => {
        const all = await Promise.all(Array.from({ length: 64 }, lease))
        const dead = all[5]!.node
        await database.sql.query(
          `update id_nodes set owner = 'dead', leased_until = now() + interval '1 minute' where node = $1`,
          [dead],
        )
        await expect(lease()).rejects.toSatisfy((error) => isAppError(error, 'overloaded'))
        await database.sql.query(`update id_nodes set leased_until = now() - interval '1 second' where node = $1`, [
          dead,
        ])
        expect((await lease()).node).toBe(dead)
      },
    )
  })
}
