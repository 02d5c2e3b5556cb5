import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureKind } from '../../src/core/retry.ts'
import type { MysqlClient, MysqlTx } from '../../src/engines/mysql/client-mysql2.ts'
import { rowsTable } from '../../src/engines/mysql/rows.ts'
import {
  CHECK_VIOLATION,
  type SqlParam,
  sqlState,
  UNIQUE_VIOLATION,
  violatedConstraint,
} from '../../src/engines/sql/sql.ts'
import { createGate } from '../../src/testing/gate.ts'
import { until } from '../../src/testing/until.ts'
import { createMysqlDatabase, mysqlServer, openMysqlUrl } from '../setup/mysql.ts'

/** Type of a column, what goes in, what comes out: as the other SQL engines answer it. */
const VALUES: [type: string, value: SqlParam, expected?: unknown][] = [
  ['bigint', 9_223_372_036_854_775_807n],
  ['bigint', 7, 7n],
  ['bigint', '12', 12n],
  ['int', -5],
  ['smallint', 3],
  ['boolean', false],
  ['boolean', true],
  ['double', 1.5],
  ['decimal(30,2)', '12345678901234567890.12'],
  ['varchar(100) character set utf8mb4', 'quote \' " back \\ slash, {brace} NULL ; -- # /* \n \0 \x1a é 漢 🚀'],
  ['varchar(100) character set utf8mb4', ' blanks  '],
  ['varchar(100) character set utf8mb4', ''],
  ['varchar(100) character set utf8mb4', null],
  ['varchar(100) character set utf8mb4', undefined, null],
  ['date', '2026-02-28'],
  ['datetime(6)', new Date('2026-01-02T03:04:05.678Z')],
  ['varbinary(100)', new Uint8Array([0, 1, 127, 128, 255, 92, 34, 39])],
  ['varbinary(100)', new Uint8Array()],
  ['json', { a: [1, 'x', null, { deep: '"\\\'' }], b: true }],
  ['json', null],
]

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: [...value] } : value
}

const server = mysqlServer()

describe.skipIf(server === undefined)('SQL client on MariaDB', () => {
  let database: { url: string; drop(): Promise<void> }
  let sql: MysqlClient
  let other: MysqlClient
  beforeAll(async () => {
    database = await createMysqlDatabase(server!)
    ;[sql, other] = [await openMysqlUrl(database.url, 4), await openMysqlUrl(database.url, 4)]
    await sql.transaction((tx) =>
      tx.script(`create table pairs (id int primary key, n int not null, constraint pairs_positive check (n >= 0));
        create table words (word varchar(100) character set utf8mb4 collate ${sql.profile.collation} primary key)`),
    )
  })
  afterAll(async () => {
    await sql.close()
    await other.close()
    await database.drop()
  })
  const reset = () => sql.batch([{ text: 'delete from pairs' }, { text: 'insert into pairs values (1, 0), (2, 0)' }])
  const kill = (id: bigint) => other.execute('kill ?', [id])
  const connectionOf = async (tx: MysqlTx) => (await tx.query<{ id: bigint }>('select connection_id() as id'))[0]!.id

  it.each(VALUES)('takes and answers %s %s', async (type, value, expected = value) => {
    await sql.transaction((tx) => tx.script(`create or replace table one (value ${type})`))
    await sql.execute('insert into one values (?)', [value])
    const [row] = await sql.query<{ value: unknown }>('select value from one')
    expect(plain(row?.value)).toEqual(plain(expected))
  })

  it('lets no text out of its quotes', async () => {
    const parts = fc.constantFrom(
      "'",
      '"',
      '\\',
      '`',
      ';',
      '--',
      '#',
      '/*',
      '*/',
      '?',
      '\0',
      '\n',
      '\x1a',
      'é',
      '🚀',
      'x',
    )
    const texts = fc.array(parts, { maxLength: 20 }).map((chars) => chars.join(''))
    await fc.assert(
      fc.asyncProperty(texts, texts, async (one, two) => {
        expect(await sql.query('select ? as one, 7 as between_them, ? as two', [one, two])).toEqual([
          { one, between_them: 7, two },
        ])
      }),
      { numRuns: 200 },
    )
  })

  it('takes arrays for lists and for rows', async () => {
    await reset()
    expect(await sql.query('select id from pairs where id in (?) order by id', [[2, 1, 9]])).toEqual([
      { id: 1 },
      { id: 2 },
    ])
    expect(await sql.query('select id from pairs where id in (?)', [[]])).toEqual([])
    expect(
      await sql.execute('insert into pairs values ?', [
        [
          [3, 4],
          [5, 6],
        ],
      ]),
    ).toBe(2)
    const pairs = [
      [1, 0],
      [5, 6],
      [3, 9],
    ]
    expect(await sql.query('select id from pairs where (id, n) in (?) order by id', [pairs])).toEqual([
      { id: 1 },
      { id: 5 },
    ])
  })

  it('compares texts by their bytes, trailing blanks included', async () => {
    const words = ['a', 'B', 'ä', 'a ', 'A']
    expect(await sql.execute('insert into words values ?', [words.map((word) => [word])])).toBe(5)
    const rows = await sql.query<{ word: string }>('select word from words order by word')
    expect(rows.map(({ word }) => word)).toEqual(['A', 'B', 'a', 'a ', 'ä'])
    expect(await sql.query('select word from words where word = ?', ['a '])).toEqual([{ word: 'a ' }])
  })

  it('reads many rows from one parameter, nulls included, and never takes a longer text for one that fits', async () => {
    type Item = {
      id: bigint | null
      name: string | null
      bytes: Uint8Array | null
      body: object | null
      at: Date | null
    }
    const items = rowsTable<Item>([
      ['id', 'bigint', ({ id }) => id],
      ['name', 'varchar(20)', ({ name }) => name],
      ['bytes', 'bytea', ({ bytes }) => bytes],
      ['body', 'jsonb', ({ body }) => body],
      ['at', 'timestamptz', ({ at }) => at],
      ['known', 'boolean', ({ name }) => name !== null],
    ])
    const nothing = { id: null, name: null, bytes: null, body: null, at: null }
    const full = {
      id: -9_223_372_036_854_775_808n,
      name: 'a"b\\ 🚀',
      bytes: new Uint8Array([0, 255]),
      body: { x: ['"'] },
      at: new Date('2026-01-02T03:04:05.678Z'),
    }
    const read = (list: readonly Item[]) =>
      sql.query<Item & { n: number; known: boolean }>(
        `select n, id, name, bytes, json_compact(body) as body, at, known from ${items.table('t')} order by n`,
        [items.param(list)],
      )
    const rows = await read([full, nothing])
    expect(rows.map((row) => ({ ...row, bytes: plain(row.bytes) }))).toEqual([
      { n: 1, ...full, bytes: { bytes: [0, 255] }, known: true },
      { n: 2, ...nothing, known: false },
    ])
    expect(await read([])).toEqual([])
    const [long] = await read([{ ...nothing, name: 'x'.repeat(30) }])
    expect(long?.name).toHaveLength(21)
  })

  it('counts what a statement inserted or really changed', async () => {
    await reset()
    expect(await sql.execute('update pairs set n = 0')).toBe(0)
    expect(await sql.execute('update pairs set n = 1 where id = 1')).toBe(1)
    expect(await sql.execute('insert into pairs values (1, 1), (3, 1) on duplicate key update n = n')).toBe(1)
    expect(await sql.execute('delete from pairs where id > 1')).toBe(2)
  })

  it('undoes a transaction that throws, and gives the error on as it was', async () => {
    await reset()
    const error = new Error('no')
    const failing = sql.transaction(async (tx) => {
      await tx.execute('update pairs set n = 99 where id = 1')
      throw error
    })
    await expect(failing).rejects.toBe(error)
    expect(await sql.query('select n from pairs where id = 1')).toEqual([{ n: 0 }])
  })

  it('commits with the last statements in one round trip, and takes none after them', async () => {
    await reset()
    const late = sql.transaction(async (tx) => {
      const answers = await tx.last([
        { text: 'update pairs set n = 5 where id = ?', params: [1] },
        { text: 'select n from pairs where id = 1' },
      ])
      expect(answers).toEqual([
        { rows: [], affected: 1 },
        { rows: [{ n: 5 }], affected: 0 },
      ])
      await tx.query('select 1')
    })
    await expect(late).rejects.toThrow('the transaction is over')
    expect(await other.query('select n from pairs where id = 1')).toEqual([{ n: 5 }])
  })

  it('undoes everything when one of the last statements fails', async () => {
    await reset()
    const failing = sql.transaction((tx) =>
      tx.last([{ text: 'update pairs set n = 7 where id = 1' }, { text: 'update pairs set n = -1 where id = 2' }]),
    )
    await expect(failing).rejects.toSatisfy((error) => sqlState(error) === CHECK_VIOLATION)
    expect(await sql.query('select distinct n from pairs')).toEqual([{ n: 0 }])
  })

  it('tells which constraint was violated', async () => {
    await reset()
    const twice = await sql.execute('insert into pairs values (1, 1)').catch((error: unknown) => error)
    expect([sqlState(twice), violatedConstraint(twice)]).toEqual([UNIQUE_VIOLATION, 'PRIMARY'])
    const negative = await sql.execute('update pairs set n = -1').catch((error: unknown) => error)
    expect([sqlState(negative), violatedConstraint(negative)]).toEqual([CHECK_VIOLATION, 'pairs_positive'])
    expect(failureKind(negative)).toBe('permanent')
  })

  it('runs both of two transactions that lock the same rows in opposite order', async () => {
    await reset()
    const tries = [0, 0]
    const [first, second] = [createGate(), createGate()]
    async function lockBoth(index: 0 | 1, ids: readonly [number, number]) {
      await sql.transaction(async (tx) => {
        tries[index]! += 1
        await tx.execute('update pairs set n = n + 1 where id = ?', [ids[0]])
        ;[first, second][index]!.open()
        await Promise.all([first.opened, second.opened])
        await tx.execute('update pairs set n = n + 1 where id = ?', [ids[1]])
      })
    }
    await Promise.all([lockBoth(0, [1, 2]), lockBoth(1, [2, 1])])
    expect(await sql.query('select n from pairs order by id')).toEqual([{ n: 2 }, { n: 2 }])
    expect(tries.reduce((sum, n) => sum + n)).toBeGreaterThan(2)
  })

  it('reads one state of the database in a snapshot, and writes nothing there', async () => {
    await reset()
    await sql.transaction(
      async (tx) => {
        const before = await tx.query('select n from pairs order by id')
        await other.execute('update pairs set n = 3')
        expect(await tx.query('select n from pairs order by id')).toEqual(before)
        await expect(tx.execute('update pairs set n = 5')).rejects.toThrow(/READ ONLY/)
      },
      { snapshot: true },
    )
    await sql.transaction(async (tx) => {
      await tx.query('select n from pairs')
      await other.execute('update pairs set n = 4')
      expect(await tx.query('select distinct n from pairs')).toEqual([{ n: 4 }])
    })
  })

  it('survives a connection that is cut inside a transaction, and tells it as ambiguous', async () => {
    await reset()
    let tries = 0
    const failing = sql.transaction(async (tx) => {
      tries += 1
      await tx.execute('update pairs set n = 7')
      await kill(await connectionOf(tx))
      await tx.execute('update pairs set n = 8')
    })
    await expect(failing).rejects.toSatisfy((error) => failureKind(error) === 'ambiguous')
    expect(tries).toBe(1)
    expect(await sql.query('select distinct n from pairs')).toEqual([{ n: 0 }])
  })

  it('survives connections that are cut while they are idle', async () => {
    const ids = await Promise.all(
      Array.from({ length: 4 }, () => sql.query<{ id: bigint }>('select connection_id() as id, sleep(0.05)')),
    )
    for (const [row] of ids) await kill(row!.id).catch(() => undefined)
    await until('a query works', () => sql.query('select 1').catch(() => undefined))
    expect(await sql.query('select 1 as one')).toEqual([{ one: 1 }])
  })

  it('tells a statement whose connection is cut as ambiguous, and does not send it again', async () => {
    const outcome = sql.query('select sleep(20), ? as marker', ['kill me']).then(
      () => 'answered',
      (error: unknown) => failureKind(error),
    )
    const running = `select id from information_schema.processlist where info like 'select sleep(20), \\'kill me%'`
    const id = await until('it is running', async () => (await other.query<{ id: bigint }>(running))[0]?.id)
    await kill(id)
    expect(await outcome).toBe('ambiguous')
    expect(await other.query(running)).toEqual([])
  })

  it('tells what it has no name for by the state that the server sends: a full disk is no fault of the data', async () => {
    const states = []
    for (const [state, errno] of [
      ['HY000', 1021],
      ['22003', 1690],
    ]) {
      const failing = `begin not atomic signal sqlstate '${state}' set mysql_errno = ${errno}; end`
      states.push(sqlState(await sql.transaction((tx) => tx.script(failing)).catch((error: unknown) => error)))
    }
    expect(states).toEqual(['HY000', '22003'])
  })

  it('gives up a transaction whose answer does not come in time, and none of it is kept', async () => {
    const impatient = await openMysqlUrl(database.url, 1, 400)
    try {
      const outcome = impatient.transaction(async (tx) => {
        await tx.execute('insert into pairs (id, n) values (801, 1)')
        await tx.batch([
          { text: 'select sleep(0.3)' },
          { text: 'select sleep(0.3)' },
          { text: 'insert into pairs (id, n) values (802, 1)' },
        ])
      })
      expect(failureKind(await outcome.catch((error: unknown) => error))).toBe('ambiguous')
      // Whoever comes next must not commit what the first one left behind.
      await impatient.transaction((tx) => tx.execute('insert into pairs (id, n) values (803, 1)'))
      await until('the first one has ended', async () => {
        const [row] = await other.query<{ n: bigint }>(
          `select count(*) as n from information_schema.processlist where db = database() and info like 'select sleep%'`,
        )
        return row!.n === 0n
      })
      expect(await other.query('select id from pairs where id between 801 and 803')).toEqual([{ id: 803 }])
    } finally {
      await impatient.close()
    }
  })

  it('ends a statement that runs for too long', async () => {
    const slow = 'select count(*) from seq_1_to_100000 a, seq_1_to_100000 b where a.seq * b.seq = 7'
    const cut = await sql.query(`set statement max_statement_time = 0.05 for ${slow}`).catch((error: unknown) => error)
    expect([sqlState(cut), failureKind(cut)]).toEqual(['57014', 'permanent'])
  })

  it('tells a server that is not there as unreachable', async () => {
    const error = await openMysqlUrl('mysql://root@127.0.0.1:1/none', 1).catch((failure: unknown) => failure)
    expect(failureKind(error)).toBe('unreachable')
  })

  it('says what it talks to', async () => {
    expect(await sql.version()).toMatch(/^(MariaDB|MySQL) \d+\.\d+/)
  })
})
