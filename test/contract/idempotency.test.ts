import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IdempotencyKey, idempotencyKeyOf, type StoredKey } from '../../src/core/command.ts'
import { AppError, isAppError } from '../../src/core/errors.ts'
import * as mysqlKeys from '../../src/engines/mysql/idempotency.ts'
import { once, pruneKeys, readKey, shardOfKey } from '../../src/engines/sql/idempotency.ts'
import type { SqlTx } from '../../src/engines/sql/sql.ts'
import { createGate } from '../../src/testing/gate.ts'
import { mysqlServer, openMysqlDatabase } from '../setup/mysql.ts'
import { sqlEngines } from '../setup/sql.ts'

interface KeysUnderTest {
  script(text: string): Promise<void>
  /** A statement that all engines know, with `?` for values. */
  rows<Row extends object>(text: string, params?: readonly (string | Uint8Array)[]): Promise<Row[]>
  /** Runs `work` once per key in a transaction, which also gets the way to write something. */
  once<Body>(
    key: IdempotencyKey | undefined,
    work: (write: (text: string, params: readonly string[]) => Promise<unknown>) => Promise<Body>,
  ): Promise<{ body: Body; replayed: boolean }>
  prune(before: Date, limit: number): Promise<number>
  readKey(key: IdempotencyKey): Promise<StoredKey | undefined>
  close(): Promise<void>
}

const dollars = (text: string) => {
  let n = 0
  return text.replace(/\?/g, () => `$${++n}`)
}

const ENGINES: { name: string; open(): Promise<KeysUnderTest> }[] = sqlEngines().map(({ name, create }) => ({
  name,
  async open() {
    const { sql, drop } = await create()
    return {
      script: (text) => sql.transaction((tx) => tx.script(text)),
      rows: (text, params) => sql.query(dollars(text), params),
      once: (key, work) =>
        sql.transaction((tx: SqlTx) => once(tx, key, () => work((text, params) => tx.query(dollars(text), params)))),
      prune: (before, limit) => pruneKeys(sql, before, limit),
      readKey: (key) => readKey(sql, 0, key),
      close: drop,
    }
  },
}))

const mariadb = mysqlServer()
if (mariadb !== undefined) {
  ENGINES.push({
    name: 'mariadb',
    async open() {
      const { sql, drop } = await openMysqlDatabase(mariadb)
      return {
        script: (text) => sql.transaction((tx) => tx.script(text)),
        rows: (text, params) => sql.query(text, params),
        once: (key, work) =>
          sql.transaction((tx) => mysqlKeys.once(tx, key, () => work((text, params) => tx.execute(text, params)))),
        prune: (before, limit) => mysqlKeys.pruneKeys(sql, before, limit),
        readKey: (key) => mysqlKeys.readKey(sql, 0, key),
        close: drop,
      }
    },
  })
}

const keyFor = (idempotencyKey: string, input: unknown = { n: 1 }, actor = 'tester') =>
  idempotencyKeyOf({ idempotencyKey, actor }, 'DoIt', input)

for (const engine of ENGINES) {
  describe(`idempotency keys on ${engine.name}`, () => {
    let keys: KeysUnderTest
    beforeAll(async () => {
      keys = await engine.open()
      await keys.script('create table done (what varchar(20) not null)')
    })
    afterAll(() => keys.close())

    /** A command of one write. */
    function doIt(key: ReturnType<typeof keyFor>, what: string, before: () => Promise<void> = async () => undefined) {
      return keys.once(key, async (write) => {
        await before()
        await write('insert into done (what) values (?)', [what])
        return { done: what, list: [1, null, 'ü"\\'] }
      })
    }
    const times = async (what: string) => (await keys.rows('select 1 from done where what = ?', [what])).length

    it('carries a command out once and answers a repeat with the first answer', async () => {
      const first = await doIt(keyFor('k1'), 'one')
      const second = await doIt(keyFor('k1'), 'one')
      expect(first).toEqual({ body: { done: 'one', list: [1, null, 'ü"\\'] }, replayed: false })
      expect(second).toEqual({ ...first, replayed: true })
      expect(await times('one')).toBe(1)
    })

    it('takes any JSON as an answer', async () => {
      for (const [n, body] of [[], ['a', 1], 'text', 7, true, null, {}].entries()) {
        const run = () => keys.once(keyFor(`json-${n}`), async () => body)
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
      await keys.rows('delete from idempotency_keys')
      for (let n = 0; n < 5; n++) await doIt(keyFor(`old-${n}`), 'old')
      await keys.rows(`update idempotency_keys set created_at = timestamp '2025-01-01 00:00:00'`)
      await doIt(keyFor('young'), 'young')
      const running = keyFor('running')!
      const name = engine.name === 'mariadb' ? '`key`' : 'key'
      await keys.rows(
        `insert into idempotency_keys (shard, scope, ${name}, fingerprint, created_at)
         values (0, ?, ?, ?, timestamp '2024-01-01 00:00:00')`,
        [running.scope, running.key, running.fingerprint],
      )
      const before = new Date(Date.now() - 30 * 86_400_000)
      expect([await keys.prune(before, 3), await keys.prune(before, 3), await keys.prune(before, 3)]).toEqual([3, 2, 0])
      expect(await keys.readKey(keyFor('old-1')!)).toBeUndefined()
      expect(await keys.readKey(keyFor('young')!)).toMatchObject({ response: { status: 200 } })
      expect(await keys.readKey(running)).toMatchObject({ response: undefined })
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
