import type { FollowCopies, StoredRelation } from '../../social/ports.ts'
import { type StoredRelationRow, toStoredRelation } from '../sql/follow-rows.ts'
import type { MysqlClient } from './client-mysql2.ts'
import type { Statement } from './literals.ts'

// Pending is what has a backfill that is not done.
const partsOf = (others: string) => `
select o.id as other_id, f.since,
  (select count(*) from follow_backfills p
    where p.follower_id = ? and p.followee_id = o.id and p.done_at is null) as pending,
  k.until as kept_until, b.since as blocked_at, m.since as muted_at
from ${others} as o
left join follows f on f.follower_id = ? and f.followee_id = o.id
left join kept_follows k on k.follower_id = ? and k.followee_id = o.id
left join blocks b on b.user_id = ? and b.other_id = o.id
left join mutes m on m.user_id = ? and m.other_id = o.id`

const OUTGOING = `
${partsOf(`(
  select id from (
    (select followee_id as id from follows where follower_id = ? and followee_id > ? order by 1 limit ?)
    union (select followee_id from kept_follows where follower_id = ? and followee_id > ? order by 1 limit ?)
    union (select other_id from blocks where user_id = ? and other_id > ? order by 1 limit ?)
    union (select other_id from mutes where user_id = ? and other_id > ? order by 1 limit ?)) as all_of_them
  order by id limit ?)`)} order by o.id`

const OUTGOING_TO = `
${partsOf(`json_table(?, '$[*]' columns (
  id varchar(65) character set utf8mb4 collate utf8mb4_bin path '$' error on error))`)}
where f.since is not null or k.until is not null or b.since is not null or m.since is not null`

interface Kind {
  readonly remove: string
  readonly put: string
  readonly at: (relation: StoredRelation) => Date | undefined
}

/** Where each kind of relation lies, and since when (or until when) it holds; none: it is removed. */
const KINDS: readonly Kind[] = [
  kindOf('follows', ['follower_id', 'followee_id', 'since'], ({ follows }) => follows?.since),
  kindOf('kept_follows', ['follower_id', 'followee_id', 'until'], ({ keptUntil }) => keptUntil),
  kindOf('blocks', ['user_id', 'other_id', 'since'], ({ blockedAt }) => blockedAt),
  kindOf('mutes', ['user_id', 'other_id', 'since'], ({ mutedAt }) => mutedAt),
  kindOf(
    'follow_backfills',
    ['follower_id', 'followee_id', 'since'],
    ({ follows }) => (follows?.pending ? follows.since : undefined),
    ', done_at = null',
  ),
]

function kindOf(table: string, [from, to, at]: [string, string, string], when: Kind['at'], also = ''): Kind {
  return {
    remove: `delete from ${table} where ${from} = ? and ${to} in (?)`,
    put: `
insert into ${table} (${from}, ${to}, ${at}) values ? on duplicate key update ${at} = values(${at})${also}`,
    at: when,
  }
}

export function openFollowCopies(sql: MysqlClient): FollowCopies {
  return {
    async outgoing(userId, after = '', limit) {
      const page = [userId, after, limit]
      const params = [userId, ...page, ...page, ...page, ...page, limit, userId, userId, userId, userId]
      return (await sql.query<CountedRow>(OUTGOING, params)).map(toRelation)
    },
    async outgoingTo(userId, otherIds) {
      if (otherIds.length === 0) return []
      const params = [userId, JSON.stringify(otherIds), userId, userId, userId, userId]
      return (await sql.query<CountedRow>(OUTGOING_TO, params)).map(toRelation)
    },
    async restore(userId, relations) {
      if (relations.length === 0) return
      // In key order, as every statement on these tables.
      const sorted = [...relations].sort((a, b) => (a.otherId < b.otherId ? -1 : 1))
      const statements = KINDS.flatMap(({ remove, put, at }): Statement[] => {
        const gone = sorted.filter((relation) => at(relation) === undefined).map(({ otherId }) => otherId)
        const there = sorted.filter((relation) => at(relation) !== undefined)
        const rows = there.map((relation) => [userId, relation.otherId, at(relation)])
        return [
          ...(gone.length === 0 ? [] : [{ text: remove, params: [userId, gone] }]),
          ...(rows.length === 0 ? [] : [{ text: put, params: [rows] }]),
        ]
      })
      await sql.transaction((tx) => tx.last(statements))
    },
  }
}

type CountedRow = Omit<StoredRelationRow, 'pending'> & { pending: bigint }

const toRelation = (row: CountedRow): StoredRelation => toStoredRelation({ ...row, pending: row.pending !== 0n })
