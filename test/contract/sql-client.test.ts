import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { failureKind } from '../../src/core/retry.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import {
  CHECK_VIOLATION,
  type SqlClient,
  type SqlParam,
  type SqlTx,
  sqlState,
  UNIQUE_VIOLATION,
  violatedConstraint,
} from '../../src/engines/sql/sql.ts'
import { createGate } from '../../src/testing/gate.ts'
import { until } from '../../src/testing/until.ts'
import { createPostgresDatabase, postgresServer, sqlEngines, type TestDatabase } from '../setup/sql.ts'

/** Type of PostgreSQL, what goes in, what comes out: the same on both clients. */
const VALUES: [type: string, value: SqlParam, expected?: unknown][] = [
  ['bigint', 9_223_372_036_854_775_807n],
  ['bigint', 7, 7n],
  ['bigint', '12', 12n],
  ['int', -5],
  ['smallint', 3],
  ['boolean', false],
  ['float8', 1.5],
  ['numeric', '12345678901234567890.12'],
  ['text', 'quote \' " back \\ slash, {brace} NULL \n é 漢 🚀'],
  ['text', ''],
  ['text', null],
  ['text', undefined, null],
  ['date', '2026-02-28'],
  ['timestamptz', new Date('2026-01-02T03:04:05.678Z')],
  ['bytea', new Uint8Array([0, 1, 127, 128, 255, 92, 34])],
  ['bytea', new Uint8Array()],
  ['jsonb', { a: [1, 'x', null, { deep: '"\\' }], b: true }],
  ['json', { b: 1, a: 2 }],
  ['bigint[]', [1n, null, -9_223_372_036_854_775_808n]],
  ['int[]', [1, null, 3]],
  ['boolean[]', [true, null, false]],
  [
    'text[]',
    ['a,b', '{}', '"', '\\', '\\"', 'NULL', 'null', '', ' ', null, undefined, 'new\nline'],
    ['a,b', '{}', '"', '\\', '\\"', 'NULL', 'null', '', ' ', null, null, 'new\nline'],
  ],
  ['text[]', []],
  ['date[]', ['2026-02-28', null]],
  ['timestamptz[]', [new Date('2026-01-02T03:04:05.678Z'), null]],
  ['bytea[]', [new Uint8Array([0, 255, 34, 92]), null, new Uint8Array()]],
  ['jsonb[]', [{ a: 'x,"}\\' }, null, { b: [1, 2] }]],
  ['smallint[]', [1, null]],
  ['numeric[]', ['1.50', null]],
]

/** Buffers are Uint8Arrays; what counts is that, and their bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: [...value] }
  return Array.isArray(value) ? value.map(plain) : value
}

for (const engine of sqlEngines()) {
  describe(`SQL client on ${engine.name}`, () => {
    let database: TestDatabase
    let sql: SqlClient
    beforeAll(async () => {
      database = await engine.create()
      sql = database.sql
      await sql.transaction((tx) =>
        tx.script(
          'create table pairs (id int primary key, n int not null constraint pairs_positive check (n >= 0)); insert into pairs values (1, 0), (2, 0)',
        ),
      )
    })
    afterAll(() => database.drop())

    it.each(VALUES)('takes and answers %s %s', async (type, value, expected = value) => {
      const [row] = await sql.query<{ value: unknown }>(`select $1::${type} as value`, [value])
      expect(plain(row?.value)).toEqual(plain(expected))
      const [again] = await sql.transaction((tx) =>
        tx.query<{ value: unknown }>(`select $1::${type} as value`, [value]),
      )
      expect(plain(again?.value)).toEqual(plain(expected))
    })

    it('unnests arrays of equal length, nulls included', async () => {
      const rows = await sql.query(
        'select * from unnest($1::bigint[], $2::text[], $3::bytea[], $4::jsonb[]) with ordinality as t (id, name, bytes, body, n) order by n',
        [
          [1n, null],
          ['a"b', null],
          [new Uint8Array([1, 2]), null],
          [{ x: '"' }, null],
        ],
      )
      expect(
        rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]))),
      ).toEqual([
        { id: 1n, name: 'a"b', bytes: { bytes: [1, 2] }, body: { x: '"' }, n: 1n },
        { id: null, name: null, bytes: null, body: null, n: 2n },
      ])
    })

    it('answers sums as text until they are cast', async () => {
      const [row] = await sql.query('select sum(x) as plain, sum(x)::bigint as cast from unnest($1::bigint[]) as x', [
        [1n, 2n],
      ])
      expect(row).toEqual({ plain: '3', cast: 3n })
    })

    it('undoes a transaction that throws, and gives the error on as it was', async () => {
      const error = new Error('no')
      const failing = sql.transaction(async (tx) => {
        await tx.query('update pairs set n = 99 where id = 1')
        throw error
      })
      await expect(failing).rejects.toBe(error)
      expect(await sql.query('select n from pairs where id = 1')).toEqual([{ n: 0 }])
    })

    it('works on after a statement failed in a transaction', async () => {
      await expect(sql.transaction((tx) => tx.query('select 1 / 0'))).rejects.toThrow('division by zero')
      expect(await sql.transaction((tx) => tx.query('select 1 as one'))).toEqual([{ one: 1 }])
    })

    it('tells which constraint was violated', async () => {
      const twice = await sql.query('insert into pairs values (1, 1)').catch((error: unknown) => error)
      expect([sqlState(twice), violatedConstraint(twice)]).toEqual([UNIQUE_VIOLATION, 'pairs_pkey'])
      const negative = await sql.query('update pairs set n = -1').catch((error: unknown) => error)
      expect([sqlState(negative), violatedConstraint(negative)]).toEqual([CHECK_VIOLATION, 'pairs_positive'])
      expect(failureKind(negative)).toBe('permanent')
    })

    it('runs work again that lost a race, and gives up on anything else at once', async () => {
      let tries = 0
      const result = await sql.transaction(async (tx) => {
        tries += 1
        if (tries < 3) await tx.script(`do $$ begin raise exception 'lost' using errcode = '40001'; end $$`)
        return tries
      })
      expect(result).toBe(3)
      let others = 0
      const failing = sql.transaction(async (tx) => {
        others += 1
        await tx.script(`do $$ begin raise exception 'wrong' using errcode = 'P0001'; end $$`)
      })
      await expect(failing).rejects.toThrow('wrong')
      expect(others).toBe(1)
    })

    it('does not run work again when the connection broke, since it may have happened', async () => {
      let tries = 0
      const failing = sql.transaction(async () => {
        tries += 1
        throw Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
      })
      await expect(failing).rejects.toThrow('connection lost')
      expect(tries).toBe(1)
    })

    it('reads one state of the database in a snapshot, and writes nothing there', async () => {
      await expect(sql.transaction((tx) => tx.query('update pairs set n = 5'), { snapshot: true })).rejects.toThrow(
        'read-only',
      )
    })

    it('lets other work through between its statements', async () => {
      let turns = 0
      const timer = setInterval(() => (turns += 1), 1)
      for (let statements = 0; turns < 5 && statements < 5_000; statements++) await sql.query('select 1')
      clearInterval(timer)
      expect(turns).toBeGreaterThanOrEqual(5)
    })

    it('says what it talks to', async () => {
      expect(await sql.version()).toMatch(engine.name === 'pglite' ? /^PGlite \d/ : /^PostgreSQL \d/)
    })
  })
}

const server = postgresServer()

describe.skipIf(server === undefined)('SQL client on PostgreSQL, with several connections', () => {
  let database: { url: string; drop(): Promise<void> }
  let sql: SqlClient
  let other: SqlClient
  beforeAll(async () => {
    database = await createPostgresDatabase(server!)
    const open = () => openPg(new URL(database.url), PROFILES.postgres, { poolSize: 4, logger: silentLogger })
    ;[sql, other] = [await open(), await open()]
    await sql.transaction((tx) =>
      tx.script('create table pairs (id int primary key, n int not null); insert into pairs values (1, 0), (2, 0)'),
    )
  })
  afterAll(async () => {
    await sql.close()
    await other.close()
    await database.drop()
  })

  it('runs both of two transactions that deadlock', async () => {
    const [first, second] = [createGate(), createGate()]
    const add = (a: number, b: number, mine: typeof first, theirs: typeof first) =>
      sql.transaction(async (tx) => {
        await tx.query('update pairs set n = n + 1 where id = $1', [a])
        mine.open()
        await theirs.opened
        await tx.query('update pairs set n = n + 1 where id = $1', [b])
      })
    await Promise.all([add(1, 2, first, second), add(2, 1, second, first)])
    expect(await sql.query('select n from pairs order by id')).toEqual([{ n: 2 }, { n: 2 }])
  })

  it('counts right when serializable transactions collide', async () => {
    await sql.query('update pairs set n = 0')
    const increment = () =>
      sql.transaction(async (tx) => {
        await tx.script('set transaction isolation level serializable')
        const [row] = await tx.query<{ n: number }>('select n from pairs where id = 1')
        await tx.query('update pairs set n = $1 where id = 1', [row!.n + 1])
      })
    await Promise.all([increment(), increment(), increment(), increment()])
    expect(await sql.query('select n from pairs where id = 1')).toEqual([{ n: 4 }])
  })

  it('keeps one state in a snapshot while others write', async () => {
    await sql.query('update pairs set n = 1')
    const seen = await sql.transaction(
      async (tx) => {
        const before = await tx.query('select n from pairs where id = 1')
        await other.query('update pairs set n = 2')
        return [before, await tx.query('select n from pairs where id = 1')]
      },
      { snapshot: true },
    )
    expect(seen).toEqual([[{ n: 1 }], [{ n: 1 }]])
  })

  const backend = async (on: Pick<SqlClient, 'query'>) =>
    (await on.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]!.pid
  const kill = async (pid: number) => {
    await other.query('select pg_terminate_backend($1)', [pid])
    await until(
      'the connection is gone',
      async () => (await other.query('select 1 from pg_stat_activity where pid = $1', [pid])).length === 0,
    )
  }

  it('goes on with a new connection when an idle one was cut', async () => {
    await kill(await backend(sql))
    await until('the next query works', () => sql.query('select 1').catch(() => undefined))
  })

  it('survives a connection that is cut inside a transaction, and tells it as ambiguous', async () => {
    await sql.query('update pairs set n = 0')
    let tries = 0
    const failing = sql.transaction(async (tx) => {
      tries += 1
      await tx.query('update pairs set n = 7')
      await kill(await backend(tx))
      await tx.query('update pairs set n = 8')
    })
    await expect(failing).rejects.toSatisfy((error) => failureKind(error) === 'ambiguous')
    expect(tries).toBe(1)
    expect(await sql.query('select distinct n from pairs')).toEqual([{ n: 0 }])
  })

  it('tells a statement whose connection is cut as ambiguous, and does not send it again', async () => {
    const statement = sql.query('select pg_sleep(20), $1::int as marker', [4711])
    const outcome = statement.then(
      () => 'answered',
      (error: unknown) => failureKind(error),
    )
    const running = `select pid from pg_stat_activity where state = 'active' and query like 'select pg_sleep(20)%' and datname = current_database()`
    const pid = await until('it is running', async () => (await other.query<{ pid: number }>(running))[0]?.pid)
    await kill(pid)
    expect(await outcome).toBe('ambiguous')
    expect(await other.query(running)).toEqual([])
  })

  it('gives up an answer that does not come in time with its connection, unless it may take as long as it needs', async () => {
    await sql.query('update pairs set n = 0')
    const impatient = await openPg(new URL(database.url), PROFILES.postgres, {
      ...{ poolSize: 1, answerMsMax: 300, logger: silentLogger },
    })
    try {
      const kindOf = async (work: Promise<unknown>) => failureKind(await work.catch((error: unknown) => error))
      const pid = await backend(impatient)
      expect(await kindOf(impatient.query('select pg_sleep(1)'))).toBe('ambiguous')
      expect(await backend(impatient)).not.toBe(pid)
      const unanswered = impatient.transaction(async (tx) => {
        await tx.query('update pairs set n = 7')
        await tx.query('select pg_sleep(1)')
      })
      expect(await kindOf(unanswered)).toBe('ambiguous')
      // The server goes on with it for a while, and holds its locks. Whoever comes next has a connection of its own, and
      // does not commit what the first one left behind.
      const running = `select 1 from pg_stat_activity where query like 'select pg_sleep(1)%' and datname = current_database()`
      await until('the server has noticed', async () => (await other.query(running)).length === 0)
      await impatient.transaction((tx) => tx.query('update pairs set n = n + 1 where id = 1'))
      expect(await sql.query('select id, n from pairs order by id')).toEqual([
        { id: 1, n: 1 },
        { id: 2, n: 0 },
      ])
      const patient = (tx: SqlTx) => tx.query(`select pg_sleep(0.6), current_setting('statement_timeout') as most`)
      expect(await impatient.transaction(patient, { unlimited: true })).toMatchObject([{ most: '0' }])
    } finally {
      await impatient.close()
    }
  })

  it('tells a server that is not there as unreachable', async () => {
    const nobody = await openPg(new URL('postgres://postgres@127.0.0.1:1/none'), PROFILES.postgres, {
      poolSize: 1,
      logger: silentLogger,
    })
    const error = await nobody.query('select 1').catch((failure: unknown) => failure)
    await nobody.close()
    expect(failureKind(error)).toBe('unreachable')
  })
})
