import { afterAll } from 'vitest'
import { testLog } from '../../src/testing/log.ts'
import * as mysqlProof from '../log/mysql-proof-log.ts'
import { appendProof, createProofLog, openProofStore, proofProjection, removeProofLog } from '../log/proof-log.ts'
import { type MysqlDatabase, mysqlServer, openMysqlDatabase } from '../setup/mysql.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'

const LIVE = `
select shard, event_id as "eventId", stream_id as "streamId", version, generation, code_version as "codeVersion"
from proof_model order by shard, event_id`

const DISORDERED = `
select stream_id from proof_counts_gen
where disorder > 0 and generation = (select live_generation from projections where name = 'proof')`

const GENERATIONS = 'select distinct generation from proof_model_gen order by 1'

for (const engine of sqlEngines()) {
  let database: TestDatabase | undefined
  afterAll(() => database?.drop())

  testLog(engine.name, async () => {
    database ??= await engine.create()
    const { sql } = database
    await removeProofLog(sql)
    await createProofLog(sql)
    return {
      store: await openProofStore(sql),
      append: async (shard, streamIds) => {
        await appendProof(
          sql,
          shard,
          streamIds.map((streamId) => ({ streamId, payload: {} })),
        )
      },
      projection: proofProjection,
      live: () => sql.query(LIVE),
      async disorderedStreams() {
        return (await sql.query<{ stream_id: string }>(DISORDERED)).map((row) => row.stream_id)
      },
      async generations() {
        const rows = await sql.query<{ generation: number }>(GENERATIONS)
        return rows.map((row) => row.generation)
      },
      async damage(shard, eventId) {
        await sql.query('delete from proof_events where shard = $1 and event_id = $2', [shard, eventId])
      },
      async failForDatabase(tx) {
        await tx.query('select * from table_that_is_missing')
      },
      close: async () => undefined,
    }
  })
}

const mariadb = mysqlServer()
if (mariadb !== undefined) {
  let database: MysqlDatabase | undefined
  afterAll(() => database?.drop())

  testLog('mariadb', async () => {
    database ??= await openMysqlDatabase(mariadb)
    const { sql } = database
    await mysqlProof.removeProofLog(sql)
    await mysqlProof.createProofLog(sql)
    return {
      store: await mysqlProof.openProofStore(sql),
      append: async (shard, streamIds) => {
        await mysqlProof.appendProof(
          sql,
          shard,
          streamIds.map((streamId) => ({ streamId, payload: {} })),
        )
      },
      projection: mysqlProof.proofProjection,
      live: () => sql.query(LIVE.replaceAll('"', '')),
      async disorderedStreams() {
        return (await sql.query<{ stream_id: string }>(DISORDERED)).map((row) => row.stream_id)
      },
      async generations() {
        const rows = await sql.query<{ generation: number }>(GENERATIONS)
        return rows.map((row) => row.generation)
      },
      async damage(shard, eventId) {
        await sql.execute('delete from proof_events where shard = ? and event_id = ?', [shard, eventId])
      },
      async failForDatabase(tx) {
        await tx.query('select * from table_that_is_missing')
      },
      close: async () => undefined,
    }
  })
}
