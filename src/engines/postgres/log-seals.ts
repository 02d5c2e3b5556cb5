import type { LogName } from '../../log/port.ts'
import type { Seal } from '../../log/seal.ts'
import type { EventHash, SealStore, ShardToSeal } from '../../log/seal-store.ts'
import type { SqlClient } from '../sql/sql.ts'

/** Event tables with a `hash` per event. */
const TABLES = { orders: 'order_history', payments: 'payment_events' } as const satisfies Record<LogName, string>

const COLUMNS = 'shard, log, seal_number, event_id, chain_hash, sealed_at, previous, key_id, signature'

const LIST = `
select ${COLUMNS} from log_seals where log = $1 and shard = $2 and seal_number > $3 order by seal_number limit $4`

const ADD = `
insert into log_seals (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing returning seal_number`

interface SealRow {
  shard: number
  log: string
  seal_number: number
  event_id: bigint
  chain_hash: Uint8Array
  sealed_at: Date
  previous: Uint8Array
  key_id: string
  signature: Uint8Array
}

interface ShardRow extends Omit<SealRow, 'seal_number'> {
  head: bigint
  seal_number: number | null
  oldest: Date | null
}

function toSeal(row: SealRow): Seal {
  return {
    log: row.log,
    shard: row.shard,
    number: row.seal_number,
    eventId: row.event_id,
    chainHash: row.chain_hash,
    sealedAtMs: row.sealed_at.getTime(),
    previous: row.previous,
    keyId: row.key_id,
    signature: row.signature,
  }
}

export function openSealStore(sql: SqlClient, log: LogName): SealStore {
  const SHARDS = `
    select h.shard, h.log, h.last_event_id as head, s.seal_number, s.event_id, s.chain_hash, s.sealed_at, s.previous,
      s.key_id, s.signature, e.timestamp as oldest
    from log_head h
    left join lateral (
      select * from log_seals s where s.log = h.log and s.shard = h.shard order by s.seal_number desc limit 1) s on true
    left join ${TABLES[log]} e on e.shard = h.shard and e.event_id = coalesce(s.event_id, 0) + 1
    where h.log = $1 order by h.shard`
  const HASHES = `
    select event_id, hash from ${TABLES[log]}
    where shard = $1 and event_id > $2 and event_id <= $3 order by event_id limit $4`
  return {
    log,
    async shards() {
      const rows = await sql.query<ShardRow>(SHARDS, [log])
      return rows.map(({ head, oldest, seal_number: number, ...row }): ShardToSeal => {
        const last = number === null ? undefined : toSeal({ ...row, seal_number: number })
        return { shard: row.shard, head, last, oldestUnsealedAtMs: oldest?.getTime() }
      })
    },
    async hashes(shard, after, upTo, limit) {
      const rows = await sql.query<{ event_id: bigint; hash: Uint8Array }>(HASHES, [shard, after, upTo, limit])
      return rows.map((row): EventHash => ({ eventId: row.event_id, hash: row.hash }))
    },
    async add(seal) {
      const rows = await sql.query(ADD, [
        seal.shard,
        seal.log,
        seal.number,
        seal.eventId,
        seal.chainHash,
        new Date(seal.sealedAtMs),
        seal.previous,
        seal.keyId,
        seal.signature,
      ])
      return rows.length === 1
    },
    async list(shard, after, limit) {
      return (await sql.query<SealRow>(LIST, [log, shard, after, limit])).map(toSeal)
    },
  }
}
