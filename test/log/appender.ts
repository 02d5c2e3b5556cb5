import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { failureKind } from '../../src/core/retry.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { CHECK_VIOLATION, sqlState } from '../../src/engines/sql/sql.ts'
import { seededRandom } from '../setup/random.ts'
import { tell } from '../setup/tell.ts'
import { appendProof, type Disturbance, type ProofEvent } from './proof-log.ts'

/** What the appender tells of one statement: it committed, it certainly did not, or it may have, as after silence. */
export type AppendNews =
  | {
      readonly kind: 'appended'
      readonly shard: number
      /** Of the system's monotonic clock, in microseconds; the same clock in every process. */
      readonly sentAt: number
      readonly answeredAt: number
      /** Number, stream, version, and the name the appender gave the event. */
      readonly events: readonly (readonly [eventId: string, streamId: string, version: number, op: string])[]
    }
  | { readonly kind: 'refused' | 'in_doubt'; readonly ops: readonly string[] }

const CONNECTIONS = 3
const STREAMS_PER_SHARD = 40
const EVENTS_MAX = 12

const microseconds = () => Number(process.hrtime.bigint() / 1_000n)

/** Appends at random until killed. */
export async function main(url: string, name: string, seed: string, shards: string): Promise<void> {
  const random = seededRandom(Number(seed))
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: CONNECTIONS, logger: silentLogger })
  let count = 0

  function disturbance(): Disturbance {
    const kind = random.int(100)
    if (kind < 5) return { pauseBeforeHeadMs: 20 + random.int(200) }
    if (kind < 8) return { pauseAfterHeadMs: 5 + random.int(40) }
    if (kind < 13) return { fail: true }
    if (kind < 15) return { fail: true, pauseAfterHeadMs: 5 + random.int(40) }
    return {}
  }

  async function appendOnce(): Promise<void> {
    const shard = random.int(Number(shards))
    const streams = new Set(
      Array.from({ length: 1 + random.int(EVENTS_MAX) }, () => `s${shard}-${random.int(STREAMS_PER_SHARD)}`),
    )
    const events: ProofEvent[] = [...streams].map((streamId) => ({ streamId, payload: { op: `${name}-${++count}` } }))
    const how = disturbance()
    const sentAt = microseconds()
    try {
      const rows = await appendProof(sql, shard, events, how)
      const answeredAt = microseconds()
      const appended = rows.map(
        (row) => [row.event_id.toString(), row.stream_id, row.version, row.payload['op'] as string] as const,
      )
      tell({ kind: 'appended', shard, sentAt, answeredAt, events: appended } satisfies AppendNews)
    } catch (error) {
      const ops = events.map((event) => event.payload['op'] as string)
      if (sqlState(error) === CHECK_VIOLATION) tell({ kind: 'refused', ops } satisfies AppendNews)
      // The test cuts connections: such an error may have come after the commit.
      else if (failureKind(error) === 'ambiguous') tell({ kind: 'in_doubt', ops } satisfies AppendNews)
      // No connection was free on a busy server: nothing was sent.
      else if (failureKind(error) === 'unreachable') await systemClock.sleep(50)
      else throw error
    }
  }

  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (;;) await appendOnce()
    }),
  )
}
