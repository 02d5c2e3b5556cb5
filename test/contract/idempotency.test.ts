import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { idempotencyKeyOf } from '../../src/core/command.ts'
import { AppError, isAppError } from '../../src/core/errors.ts'
import { once, pruneKeys, readKey, shardOfKey } from '../../src/engines/sql/idempotency.ts'
import { createGate } from '../../src/testing/gate.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'

const keyFor = (idempotencyKey: string, input: unknown = { n: 1 }, actor = 'tester') =>
  idempotencyKeyOf({ idempotencyKey, actor }, 'DoIt', input)

for (const engine of sqlEngines()) {
  describe(`idempotency keys on ${engine.name}`, () => {
    let database: TestDatabase
    beforeAll(async () => {
      database = await engine.create()
      await database.sql.transaction((tx) => tx.script('create table done (what text not null)'))
    })
    afterAll(() => database.drop())

    /** A command of one write. */
    function doIt(key: ReturnType<typeof keyFor>, what: string, before: () => Promise<void> = async () => undefined) {
      return database.sql.transaction((tx) =>
        once(tx, key, async () => {
          await before()
          await tx.query('insert into done (what) values ($1)', [what])
          return { done: what, list: [1, null, 'ü"\\'] }
        }),
      )
    }
    const times = async (what: string) =>
      (await database.sql.query('select 1 from done where what = $1', [what])).length

    it('carries a command out once and answers a repeat with the first answer', async () => {
      const first = await doIt(keyFor('k1'), 'one')
      const second = await doIt(keyFor('k1'), 'one')
      expect(first).toEqual({ body: { done: 'one', list: [1, null, 'ü"\\'] }, replayed: false })
      expect(second).toEqual({ ...first, replayed: true })
      expect(await times('one')).toBe(1)
    })

    it('takes any JSON as an answer', async () => {
      for (const [n, body] of [[], ['a', 1], 'text', 7, true, null, {}].entries()) {
        const run = () => database.sql.transaction((tx) => once(tx, keyFor(`json-${n}`), async () => body))
        expect(await run()).toEqual({ body, replayed: false })
        expect(await run()).toEqual({ body, replayed: true })
      }
    })

    it('carries a command without a key out each time', async () => {
      await doIt(undefined, 'unkeyed')
      await doIt(undefined, 'unkeyed')
      expect(await times('unkeyed')).toBe(2)
    })

    it('runs one of many commands with the same key at the same time; the others get its answer', async () => {
      const results = await Promise.all(Array.from({ length: 8 }, () => doIt(keyFor('k2'), 'raced')))
      expect(results.filter((result) => !result.replayed)).toHaveLength(1)
      expect(results.every((result) => result.body.done === 'raced')).toBe(true)
      expect(await times('raced')).toBe(1)
    })

    it('leaves the key unused when the command is refused', async () => {
      const refused = doIt(keyFor('k3'), 'refused', () => Promise.reject(new AppError('insufficient_stock')))
      await expect(refused).rejects.toSatisfy((error) => isAppError(error, 'insufficient_stock'))
      expect(await doIt(keyFor('k3', { n: 2 }), 'accepted')).toMatchObject({ replayed: false })
      expect([await times('refused'), await times('accepted')]).toEqual([0, 1])
    })

    it('lets the next one run when the first is refused while the next waits', async () => {
      const [begun, gate] = [createGate(), createGate()]
      const first = doIt(keyFor('k4'), 'first', async () => {
        begun.open()
        await gate.opened
        throw new AppError('insufficient_stock')
      })
      await begun.opened
      const second = doIt(keyFor('k4'), 'second')
      gate.open()
      await expect(first).rejects.toThrow()
      expect(await second).toMatchObject({ replayed: false })
    })

    it('refuses the key for another input, and knows keys by their caller', async () => {
      await doIt(keyFor('k5', { a: 1, b: 2 }), 'mine')
      expect(await doIt(keyFor('k5', { b: 2, a: 1 }), 'mine')).toMatchObject({ replayed: true })
      await expect(doIt(keyFor('k5', { a: 2 }), 'other')).rejects.toSatisfy((error) =>
        isAppError(error, 'idempotency_key_reused'),
      )
      expect(await doIt(keyFor('k5', { a: 2 }, 'somebody else'), 'theirs')).toMatchObject({ replayed: false })
    })

    it('forgets finished keys that are old enough, a few at a time, and none that are running', async () => {
      const { sql } = database
      await sql.query('delete from idempotency_keys')
      for (let n = 0; n < 5; n++) await doIt(keyFor(`old-${n}`), 'old')
      await sql.query(`update idempotency_keys set created_at = now() - interval '31 days'`)
      await doIt(keyFor('young'), 'young')
      const running = keyFor('running')!
      await sql.query(
        `insert into idempotency_keys (shard, scope, key, fingerprint, created_at) values (0, $1, $2, $3, now() - interval '1 year')`,
        [running.scope, running.key, running.fingerprint],
      )
      const before = new Date(Date.now() - 30 * 86_400_000)
      expect([
        await pruneKeys(sql, before, 3),
        await pruneKeys(sql, before, 3),
        await pruneKeys(sql, before, 3),
      ]).toEqual([3, 2, 0])
      expect(await readKey(sql, 0, keyFor('old-1')!)).toBeUndefined()
      expect(await readKey(sql, 0, keyFor('young')!)).toMatchObject({ response: { status: 200 } })
      expect(await readKey(sql, 0, running)).toMatchObject({ response: undefined })
    })
  })
}

describe('the shard of a key', () => {
  it('is the same for the same scope and key, and spreads', () => {
    const shards = Array.from({ length: 200 }, (_, n) => shardOfKey({ scope: 's', key: `k${n}` }, 4))
    expect(new Set(shards)).toEqual(new Set([0, 1, 2, 3]))
    expect(shardOfKey({ scope: 's', key: 'k1' }, 4)).toBe(shards[1])
  })
})
