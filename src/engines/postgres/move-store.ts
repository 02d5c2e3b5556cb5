import type { Move, MoveStore } from '../../moves/port.ts'
import type { SqlClient } from '../sql/sql.ts'

const LIST = 'select store, to_url, phase, started_at from store_moves order by store'

// What was acknowledged belongs to an earlier move.
const BEGIN = `
with fresh as (
  insert into store_moves (store, to_url, phase, started_at) values ($1, $2, 'copying', $3)
  on conflict do nothing returning store),
cleared as (delete from store_move_acks where store in (select store from fresh))
select store from fresh`

const ADVANCE = 'update store_moves set phase = $3 where store = $1 and phase = $2 returning store'
const FORGET = 'delete from store_moves where store = $1'

const ACKNOWLEDGE = `
insert into store_move_acks (store, node, phase) values ($1, $2, $3)
on conflict (store, node) do update set phase = excluded.phase`

const WAITING_FOR = `
select n.node from id_nodes n where n.leased_until > now() and not exists (
  select 1 from store_move_acks a where a.store = $1 and a.node = n.node and a.phase = $2)
order by n.node`

interface MoveRow {
  store: Move['store']
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
        store: row.store,
        toUrl: row.to_url,
        phase: row.phase,
        startedAt: row.started_at,
      }))
    },
    async begin({ store, toUrl }, at) {
      return (await sql.query(BEGIN, [store, toUrl, at])).length === 1
    },
    async advance(store, from, to) {
      return (await sql.query(ADVANCE, [store, from, to])).length === 1
    },
    async forget(store) {
      await sql.query(FORGET, [store])
    },
    async acknowledge(store, node, phase) {
      await sql.query(ACKNOWLEDGE, [store, node, phase])
    },
    async waitingFor(store, phase) {
      const rows = await sql.query<{ node: number }>(WAITING_FOR, [store, phase])
      return rows.map(({ node }) => node)
    },
  }
}
