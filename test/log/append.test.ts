import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { createLogHeads } from '../../src/engines/postgres/log-store.ts'
import { MIGRATIONS } from '../../src/engines/postgres/migrations.generated.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { migrate } from '../../src/engines/sql/migrate.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { assertContiguous } from '../../src/log/fold.ts'
import type { LogEvent } from '../../src/log/port.ts'
import { until } from '../../src/testing/until.ts'
import { seededRandom } from '../setup/random.ts'
import { buildScript, type Script, type ScriptProcess } from '../setup/script.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'
import type { AppendNews } from './appender.ts'
import { createProofLog, openProofStore } from './proof-log.ts'

/**
 * Claim: the numbers of a log have no gap, are seen in order by everybody, and are folded exactly once, whatever happens
 * to the processes that append, read and fold.
 *
 * Method: three processes append at random to four shards, with statements that pause before and after they take their
 * number and statements that fail after it; two processes fold one projection; readers poll through all of it; an
 * unrelated transaction stays open. Meanwhile processes are killed with SIGKILL and connections are cut at random. Then
 * the table is compared with what the appenders said, what the readers saw and what the projection made of it.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_122)
const CHAOS_MS = 15_000
/** Longest life of a process after it has begun to work. */
const LIFE_MS = 1_500
const READ_MS = 3
const APPENDERS = 3
const PROJECTORS = 2

const server = postgresServer()
const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe.skipIf(server === undefined)(`the log on PostgreSQL under kill -9, seed ${SEED}`, () => {
  const random = seededRandom(SEED)
  const news: AppendNews[] = []
  /** Events as each reader saw them, per shard. */
  const seen: LogEvent[][][] = [[], []]
  const faults = { processesKilled: 0, connectionsCut: 0 }
  let database: { url: string; drop(): Promise<void> }
  let sql: SqlClient
  let scripts: Script[] = []
  let shards = 0
  let unrelated: pg.Client
  let chaos = true
  let quiet = false
  let unrelatedState: string | undefined

  const appended = () => news.filter((one) => one.kind === 'appended')
  const heads = async () => (await openProofStore(sql)).heads()

  async function readUntilEnd(reader: LogEvent[][], limitMax: number): Promise<void> {
    const store = await openProofStore(sql)
    for (let shard = 0; shard < shards; shard++) reader[shard] = []
    const own = seededRandom(SEED + limitMax)
    for (;;) {
      const over = quiet
      for (const [shard, events] of reader.entries()) {
        const after = events.at(-1)?.eventId ?? 0n
        const next = await store.read(shard, after, 1 + own.int(limitMax))
        // Never n + 1 before n, never a gap: a reader that remembers only the last number misses nothing.
        assertContiguous(store.log, shard, after, next)
        events.push(...next)
      }
      await rest(READ_MS)
      if (over && (await heads()).every((head, shard) => (reader[shard]!.at(-1)?.eventId ?? 0n) === head)) return
    }
  }

  /** In any snapshot whatever, head and events agree. */
  async function lookAtSnapshots(): Promise<number> {
    let looks = 0
    while (chaos) {
      const shard = random.int(shards)
      const [row] = await sql.query<{ head: bigint; top: bigint; events: bigint }>(
        `select last_event_id as head, coalesce(max(event_id), 0) as top, count(event_id) as events
         from log_head h left join proof_events e on e.shard = h.shard and e.event_id > h.last_event_id - 500
         where h.log = 'payments' and h.shard = $1 group by last_event_id`,
        [shard],
      )
      expect(row?.top).toBe(row?.head)
      expect(row?.events).toBe(row!.head < 500n ? row!.head : 500n)
      looks += 1
      await rest(READ_MS)
    }
    return looks
  }

  /** Starts a process, kills it some time after it has begun to work, and starts the next; answers the last one. */
  async function keepAlive(start: (run: number, onMessage: (message: unknown) => void) => ScriptProcess) {
    for (let run = 1; ; run++) {
      let state: 'starting' | 'working' | 'dead' = 'starting'
      const running = start(run, () => {
        state = 'working'
      })
      void running.ended.then(() => {
        state = 'dead'
      })
      const stateNow = () => state
      while (chaos && stateNow() === 'starting') await rest(10)
      const killAt = Date.now() + random.int(LIFE_MS)
      while (chaos && stateNow() === 'working' && Date.now() < killAt) await rest(10)
      if (stateNow() === 'dead')
        throw new Error(`a process ended by itself, ${await running.ended}:\n${running.stderr()}`)
      if (!chaos) return running
      await running.kill()
      faults.processesKilled += 1
    }
  }

  async function cutConnections(): Promise<void> {
    while (chaos) {
      await rest(50 + random.int(300))
      const cut = await sql.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name in ('appender', 'projector') order by random() limit 1`,
      )
      faults.connectionsCut += cut.length
    }
  }

  /** The name by which the server knows the connections of a process. */
  function urlFor(name: 'appender' | 'projector'): string {
    const url = new URL(database.url)
    url.searchParams.set('application_name', name)
    return url.href
  }

  beforeAll(async () => {
    database = await createPostgresDatabase(server!)
    sql = await openPg(new URL(database.url), PROFILES.postgres, { poolSize: 6, logger: silentLogger })
    await migrate(sql, MIGRATIONS, { afterwards: (tx) => createLogHeads(tx, sql.profile.logShards) })
    await createProofLog(sql)
    shards = (await openProofStore(sql)).shards
    unrelated = new pg.Client({ connectionString: database.url, application_name: 'unrelated' })
    await unrelated.connect()
    await unrelated.query("begin isolation level repeatable read; insert into unrelated values ('open for long')")

    scripts = [
      await buildScript(new URL('./appender.ts', import.meta.url)),
      await buildScript(new URL('./projecting.ts', import.meta.url)),
    ]
    const [appender, projector] = scripts as [Script, Script]
    const appenders = Array.from({ length: APPENDERS }, (_, n) =>
      keepAlive((run, onMessage) =>
        appender.start([urlFor('appender'), `a${n}r${run}`, String(random.int(2 ** 31)), String(shards)], (message) => {
          onMessage(message)
          news.push(message as AppendNews)
        }),
      ),
    )
    const projectors = Array.from({ length: PROJECTORS }, () =>
      keepAlive((_run, onMessage) => projector.start([urlFor('projector'), '1'], onMessage)),
    )
    const watching = [readUntilEnd(seen[0]!, 500), readUntilEnd(seen[1]!, 7), lookAtSnapshots(), cutConnections()]
    const whole = Promise.all([...appenders, ...projectors, ...watching])
    await Promise.race([whole, rest(CHAOS_MS)])
    // From here on the same processes are left in peace; appenders end, projectors finish the work.
    chaos = false
    for (const appender of await Promise.all(appenders)) await appender.kill()
    await until('no statement of a killed process is running', async () => {
      const [row] = await sql.query<{ busy: number }>(
        `select count(*)::int as busy from pg_stat_activity
         where datname = current_database() and application_name = 'appender' and state <> 'idle'`,
      )
      return row?.busy === 0
    })
    quiet = true
    await Promise.all(watching)
    const store = await openProofStore(sql)
    const last = await heads()
    await until('everything is folded while the unrelated transaction is still open', async () => {
      const checkpoints = await store.checkpoints('proof', 1)
      return checkpoints.length === shards && checkpoints.every(({ shard, lastEventId }) => lastEventId === last[shard])
    })
    const [other] = await sql.query<{ state: string }>(
      "select state from pg_stat_activity where application_name = 'unrelated' and datname = current_database()",
    )
    unrelatedState = other?.state
    for (const projector of await Promise.all(projectors)) await projector.kill()
    await unrelated.query('rollback')
  }, CHAOS_MS + 240_000)

  afterAll(async () => {
    chaos = false
    quiet = true
    await unrelated?.end()
    await sql?.close()
    await database?.drop()
    for (const script of scripts) await script.remove()
  })

  it('was disturbed: processes killed, connections cut, statements failed', async () => {
    const failed = news.filter((one) => one.kind === 'refused').length
    const events = (await heads()).reduce((sum, head) => sum + head, 0n)
    const acknowledged = appended().reduce((sum, one) => sum + one.events.length, 0)
    process.stderr.write(
      `log proof, seed ${SEED}: ${events} events, ${acknowledged} acknowledged, ${failed} statements failed, ` +
        `${faults.processesKilled} processes killed, ${faults.connectionsCut} connections cut\n`,
    )
    expect(events).toBeGreaterThan(1_000n)
    expect(failed).toBeGreaterThan(10)
    expect(faults.processesKilled).toBeGreaterThan(5)
    expect(faults.connectionsCut).toBeGreaterThan(5)
  })

  it('has no gap: every shard holds exactly the numbers from 1 to its head', async () => {
    const rows = await sql.query<{ shard: number; events: bigint; lowest: bigint; highest: bigint }>(
      `select shard, count(distinct event_id) as events, min(event_id) as lowest, max(event_id) as highest
       from proof_events group by shard order by shard`,
    )
    const last = await heads()
    expect(rows).toEqual(last.map((head, shard) => ({ shard, events: head, lowest: 1n, highest: head })))
  })

  it('has every acknowledged event, under the number that the appender was told', async () => {
    const rows = await sql.query<{ shard: number; event_id: bigint; stream_id: string; version: number; op: string }>(
      `select shard, event_id, stream_id, version, payload->>'op' as op from proof_events`,
    )
    const stored = new Map(rows.map((row) => [`${row.shard}/${row.event_id}`, [row.stream_id, row.version, row.op]]))
    for (const { shard, events } of appended()) {
      for (const [eventId, ...rest] of events) expect(stored.get(`${shard}/${eventId}`)).toEqual(rest)
    }
  })

  it('has nothing twice and nothing of a statement that failed', async () => {
    const rows = await sql.query<{ op: string; times: number }>(
      `select payload->>'op' as op, count(*)::int as times from proof_events group by 1`,
    )
    expect(rows.filter((row) => row.times !== 1)).toEqual([])
    const stored = new Set(rows.map((row) => row.op))
    const ghosts = news.flatMap((one) => (one.kind === 'refused' ? one.ops : [])).filter((op) => stored.has(op))
    expect(ghosts).toEqual([])
  })

  it('has dense versions in every stream, in the order of the numbers', async () => {
    const [row] = await sql.query<{ wrong: number }>(
      `select count(*)::int as wrong from (
         select version, row_number() over (partition by shard, stream_id order by event_id) as place from proof_events) as s
       where version <> place`,
    )
    expect(row?.wrong).toBe(0)
  })

  it('numbers in the order of commits: what was answered before another was sent has the smaller number', () => {
    for (let shard = 0; shard < shards; shard++) {
      const commits = appended()
        .filter((one) => one.shard === shard)
        .map((one) => ({ ...one, first: BigInt(one.events[0]![0]) }))
        .sort((a, b) => (a.first < b.first ? -1 : 1))
      expect(commits.length).toBeGreaterThan(50)
      let answeredBefore = Number.POSITIVE_INFINITY
      for (const commit of commits.reverse()) {
        // Every later number was answered after this one was sent.
        expect(answeredBefore).toBeGreaterThan(commit.sentAt)
        answeredBefore = Math.min(answeredBefore, commit.answeredAt)
      }
    }
  })

  it('let readers miss nothing', async () => {
    const last = await heads()
    for (const reader of seen) expect(reader.map((events) => BigInt(events.length))).toEqual(last)
  })

  it('was folded to the end while an unrelated transaction was open', () => {
    expect(unrelatedState).toBe('idle in transaction')
  })

  it('was folded exactly once, and in order, by two workers that were killed again and again', async () => {
    const [model] = await sql.query<{ missing: number; extra: number }>(
      `select count(*) filter (where m.event_id is null)::int as missing, count(*) filter (where e.event_id is null)::int as extra
       from proof_events e full join proof_model m using (shard, event_id, stream_id, version)`,
    )
    expect(model).toEqual({ missing: 0, extra: 0 })
    const counts = await sql.query(
      `select stream_id, events, last_version, disorder from proof_counts_gen where generation = 1 order by stream_id`,
    )
    const truth = await sql.query(
      `select stream_id, count(*)::int as events, max(version) as last_version, 0 as disorder
       from proof_events group by stream_id order by stream_id`,
    )
    expect(counts).toEqual(truth)
  })
})
