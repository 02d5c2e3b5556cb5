import type { Move, MoveStore } from '../../moves/port.ts'
import type { SqlClient } from '../sql/sql.ts'

const LIST = 'select move_id, store, from_place, to_url, phase, started_at from store_moves order by store'

// What was acknowledged belongs to an earlier move.
const BEGIN = `
with fresh as (
  insert into store_moves (store, from_place, to_url, phase, started_at) values ($1, $2, $3, 'copying', $4)
  on conflict do nothing returning store),
cleared as (delete from store_move_acks where store in (select store from fresh))
select store from fresh`

const LEASE = `
update store_moves set mover = $3, leased_until = now() + make_interval(secs => $4::float8 / 1000)
where move_id = $1 and phase = $2 and (mover is null or mover = $3 or leased_until <= now()) returning store`

const RELEASE = 'update store_moves set mover = null, leased_until = null where move_id = $1 and mover = $2'

const ADVANCE = `
update store_moves set phase = $3
where move_id = $1 and phase = $2 and ($4::text is null or mover = $4::text) returning store`

const FORGET = 'delete from store_moves where move_id = $1'

const JOIN = 'update id_nodes set holds_movable = true where node = $1'

const ACKNOWLEDGE = `
insert into store_move_acks (store, node, phase) select store, $2, $3 from store_moves where move_id = $1
on conflict (store, node) do update set phase = excluded.phase`

const WAITING_FOR = `
select n.node from id_nodes n where n.leased_until > now() and n.holds_movable and not exists (
  select 1 from store_move_acks a where a.store = $1 and a.node = n.node and a.phase = $2)
order by n.node`

interface MoveRow {
  move_id: string
  store: Move['store']
  from_place: string
  to_url: string
  phase: Move['phase']
  started_at: Date
}

/** Moves of stores, kept beside the leases of node numbers: those tell which processes run. */
export function openMoveStore(sql: SqlClient): MoveStore {
  return {
    async list() {
      const rows = await sql.query<MoveRow>(LIST)
      return rows.map((row) => ({
        moveId: row.move_id,
        store: row.store,
        from: row.from_place,
        toUrl: row.to_url,
        phase: row.phase,
        startedAt: row.started_at,
      }))
    },
    async begin({ store, from, toUrl }, at) {
      return (await sql.query(BEGIN, [store, from, toUrl, at])).length === 1
    },
    async lease({ moveId, phase }, mover, ms) {
      return (await sql.query(LEASE, [moveId, phase, mover, ms])).length === 1
    },
    async release(moveId, mover) {
      await sql.query(RELEASE, [moveId, mover])
    },
    async advance(moveId, from, to, mover) {
      return (await sql.query(ADVANCE, [moveId, from, to, mover])).length === 1
    },
    async forget(moveId) {
      await sql.query(FORGET, [moveId])
    },
    async join(node) {
      await sql.query(JOIN, [node])
    },
    async acknowledge({ moveId, phase }, node) {
      await sql.query(ACKNOWLEDGE, [moveId, node, phase])
    },
    async waitingFor(store, phase) {
      const rows = await sql.query<{ node: number }>(WAITING_FOR, [store, phase])
      return rows.map(({ node }) => node)
    },
  }
}
