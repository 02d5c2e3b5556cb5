import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { backoffMs, failureKind } from '../../core/retry.ts'
import type { CassandraClient, Row } from './client.ts'
import { eachOf } from './each.ts'
import type { Head } from './layout.ts'

const DAY_MS = 24 * 60 * 60_000
const IDLE_MS = LIMITS.timelineIdleDays * DAY_MS
const BACKOFF = { firstMs: 20, maxMs: 500 }

/** 63 bits of chance. */
export const newEpoch = () => randomBytes(8).readBigUInt64BE() >> 1n

const millisOf = (value: unknown) => (value as Date).getTime()

function headOf(row: Row): Head {
  return {
    version: row['version'] as bigint,
    epoch: row['epoch'] as bigint,
    isReady: row['ready'] as boolean,
    floor: row['floor'] as bigint,
    begunAt: millisOf(row['begun_at']),
    readAt: millisOf(row['read_at']),
    hasFuture: row['future'] as boolean,
  }
}

/** What a header is to be; the version is given to it when it is written. */
export type NextHead = Omit<Head, 'version'>

/**
 * The headers of timelines. They change by compare-and-set (Paxos) only, on a version that is another with each change;
 * a header says of itself when it goes. Reads ask a quorum: a change that was answered is seen by every later read.
 */
export function openHeads(cassandra: CassandraClient, clock: Clock, keyOf: (userId: string) => string) {
  const columns = 'version, epoch, ready, floor, begun_at, read_at, future'
  const table = `${cassandra.keyspace}.user_feeds`
  const FIND = `select ${columns} from ${table} where user_id = ?`
  const FIND_MANY = `select user_id, ${columns} from ${table} where user_id in ?`
  const CHANGE = `
update ${table} using ttl ? set version = ?, epoch = ?, ready = ?, floor = ?, begun_at = ?, read_at = ?, future = ?
where user_id = ? if version = ?`
  const DELETE = `delete from ${table} where user_id = ? if version = ?`

  async function find(userId: string, isSerial = false): Promise<Head | undefined> {
    const [row] = await cassandra.run(FIND, [keyOf(userId)], { isSerial })
    return row === undefined ? undefined : headOf(row)
  }

  /**
   * Runs a compare-and-set until it is decided. `attempt` tries one change of what is there, `undefined` when there is
   * nothing to change; `isDone` tells by what is there now whether an attempt without an answer has succeeded. `known`:
   * what was there a moment ago, where the caller has looked.
   */
  async function decide(
    userId: string,
    known: Head | undefined,
    attempt: (from: Head | undefined) => (() => Promise<boolean>) | undefined,
    isDone: (now: Head | undefined) => boolean,
  ): Promise<boolean> {
    const endAt = systemClock.now() + LIMITS.commandMsMax
    let isUnknown = false
    for (let tries = 1; tries <= LIMITS.transactionTriesMax; tries++) {
      try {
        // The first look may miss what somebody is about to change, in which case the change is refused.
        const from = tries === 1 && known !== undefined ? known : await find(userId, tries > 1)
        if (isUnknown && isDone(from)) return true
        const change = attempt(from)
        if (change === undefined) return false
        isUnknown = true
        if (await change()) return true
        isUnknown = false
      } catch (error) {
        if (failureKind(error) !== 'ambiguous' || systemClock.now() >= endAt) throw error
      }
      await systemClock.sleep(backoffMs(tries, BACKOFF))
    }
    throw new AppError('write_contention', 'A timeline is changed too often; try again')
  }

  return {
    find: (userId: string) => find(userId),

    /** Those that are there. */
    async findMany(userIds: readonly string[]): Promise<Map<string, Head>> {
      const userByKey = new Map(userIds.map((userId) => [keyOf(userId), userId]))
      const heads = new Map<string, Head>()
      await eachOf(cassandra.group([...userByKey.keys()], LIMITS.cassandraKeysMax), async (keys) => {
        for (const row of await cassandra.run(FIND_MANY, [keys], { routingKey: keys[0]! })) {
          heads.set(userByKey.get(row['user_id'] as string)!, headOf(row))
        }
      })
      return heads
    },

    /**
     * Makes a header what `to` says of what is there, or leaves it when that is nothing. True when it was changed.
     * `known`: what was found there a moment ago.
     */
    async change(userId: string, to: (from: Head | undefined) => NextHead | undefined, known?: Head): Promise<boolean> {
      let latest: bigint | undefined
      return await decide(
        userId,
        known,
        (from) => {
          const head = to(from)
          if (head === undefined) return undefined
          const version = newEpoch()
          const ttlS = Math.max(1, Math.ceil((head.readAt + IDLE_MS - clock.now()) / 1_000))
          const { epoch, isReady, floor, begunAt, readAt, hasFuture } = head
          const values = [version, epoch, isReady, floor, new Date(begunAt), new Date(readAt), hasFuture]
          latest = version
          return () => cassandra.swap(CHANGE, [ttlS, ...values, keyOf(userId), from?.version ?? null])
        },
        (now) => now !== undefined && now.version === latest,
      )
    },

    /** Deletes a header; answers the epochs that it was seen to have. */
    async remove(userId: string): Promise<ReadonlySet<bigint>> {
      const epochs = new Set<bigint>()
      await decide(
        userId,
        undefined,
        (from) => {
          if (from === undefined) return undefined
          epochs.add(from.epoch)
          return () => cassandra.swap(DELETE, [keyOf(userId), from.version])
        },
        (now) => now === undefined,
      )
      return epochs
    },
  }
}

export type Heads = ReturnType<typeof openHeads>
