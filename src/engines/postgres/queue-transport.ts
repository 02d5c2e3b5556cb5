import type { Clock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import { failureKind } from '../../core/retry.ts'
import type { DeadLetter, Lane, Message, TopicDepth } from '../../queue/port.ts'
import type { QueueTransport, StoredMessage, Subscription } from '../../queue/transport.ts'
import type { SqlClient } from '../sql/sql.ts'
import { createWakeUp, type WakeUp } from './wake-up.ts'

export interface SqlQueueOptions {
  /** How long a claimed message is hidden from others unless its holder renews, in milliseconds. */
  readonly leaseMs?: number
  /** Longest rest between two looks at an idle topic, in milliseconds. */
  readonly pollMs?: number
}

const POLL_FIRST_MS = 10
const POLL_MAX_MS = 500

/**
 * Handled messages stay in the index until a vacuum, and for as long as any transaction is open. A claim therefore
 * starts where the last one ended, less a margin for publishers that commit late, and looks at the whole index only
 * now and then, for what slipped below.
 */
const LATE_COMMIT_MS = 1_000
const FULL_LOOK_MS = 1_000
/** The share of the time that full looks may take where they are slow. */
const FULL_LOOK_SHARE = 1 / 20
const REDRIVE_ROWS = 1_000

const SEND = `
insert into queue_messages (message_id, topic, lane, key, payload, visible_at, published_at)
select message_id, topic, lane, key, payload, now() + delay_ms * interval '1 millisecond', now()
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::json[], $6::int[])
  as t (message_id, topic, lane, key, payload, delay_ms)
order by message_id`

/**
 * Rows are found by message_id alone, and through an array: then the planner has no choice but the primary key, whatever
 * it believes about topics and limits in a table whose statistics are never up to date. Without `skip locked` claimers
 * wait for each other and then pass over what the other has claimed: slower, as correct.
 */
const claimStatement = (skipLocked: boolean) => `
with due as (
  select message_id, visible_at from queue_messages
  where topic = $1 and lane = $2 and visible_at <= now() and visible_at >= $5::timestamptz
  order by visible_at, message_id limit $3 for update${skipLocked ? ' skip locked' : ''})
update queue_messages
set attempt = attempt + 1, claimed = true, visible_at = now() + $4::int * interval '1 millisecond'
where message_id = any(array(select message_id from due))
returning message_id, key, payload, attempt, (select max(visible_at) from due) as newest_due`

const ACK = 'delete from queue_messages where message_id = any($1::bigint[])'

// The attempt is the holder's proof: who claims the message next raises it.
const RETRY = `
update queue_messages set claimed = false, last_error = $3, visible_at = now() + $4::int * interval '1 millisecond'
where message_id = $1 and attempt = $2 and claimed`

const BURY = `
with dead as (
  delete from queue_messages where message_id = $1 and attempt = $2 and claimed
  returning message_id, topic, lane, key, payload, attempt, published_at)
insert into queue_dead_letters (message_id, topic, lane, key, payload, attempts, reason, published_at, died_at)
select message_id, topic, lane, key, payload, attempt, $3, published_at, now() from dead`

const STILL_HELD = `
message_id = any($1::bigint[]) and claimed
and (message_id, attempt) in (select id, attempt from unnest($1::bigint[], $2::int[]) as held (id, attempt))`

const GIVE_BACK = `
update queue_messages set claimed = false, attempt = attempt - 1, visible_at = now() where ${STILL_HELD}`

const EXTEND = `
update queue_messages set visible_at = now() + $3::int * interval '1 millisecond' where ${STILL_HELD} returning message_id`

const DEPTH = 'select count(*)::int as depth from (select 1 from queue_messages where topic = $1 limit $2) as counted'

const DEAD_LETTERS = `
select message_id, topic, lane, key, payload, attempts, reason, died_at from queue_dead_letters
where ($1::text is null or topic = $1) and ($3::text is null or lane = $3)
order by died_at desc, message_id desc limit $2`

const REDRIVE = `
with revived as (
  delete from queue_dead_letters where message_id = any(array(
    select message_id from queue_dead_letters
    where topic = $1 and ($2::bigint[] is null or message_id = any($2)) order by message_id limit $3))
  returning topic, lane, message_id, key, payload, published_at)
insert into queue_messages (topic, lane, message_id, key, payload, visible_at, published_at)
select topic, lane, message_id, key, payload, now(), published_at from revived returning message_id`

const DEPTHS = `
select topic, lane, sum(waiting)::int as depth, sum(dead)::int as dead_letters from (
  select topic, lane, count(*) as waiting, 0 as dead from queue_messages group by topic, lane
  union all
  select topic, lane, 0, count(*) from queue_dead_letters group by topic, lane) as counts
group by topic, lane order by topic, lane desc`

interface MessageRow {
  message_id: bigint
  key: string
  payload: Record<string, unknown>
  attempt: number
}

interface ClaimedRow extends MessageRow {
  newest_due: Date
}

interface DeadRow extends Omit<MessageRow, 'attempt'> {
  topic: string
  lane: Lane
  attempts: number
  reason: string
  died_at: Date
}

/** PostgreSQL's text holds no NUL. */
const reasonText = (reason: string) => reason.replaceAll('\0', '').slice(0, LIMITS.reasonCharsMax)

const idsOf = (messages: readonly Message[]) => messages.map((message) => message.id)
const attemptsOf = (messages: readonly Message[]) => messages.map((message) => message.attempt)

export function openQueueTransport(sql: SqlClient, clock: Clock, options: SqlQueueOptions = {}): QueueTransport {
  const claim = claimStatement(sql.profile.skipLocked)
  const wakeUps = new Map<string, WakeUp>()

  function wakeUpOf(topic: string, lane: Lane): WakeUp {
    const name = `${topic}/${lane}`
    const known = wakeUps.get(name) ?? createWakeUp(clock)
    wakeUps.set(name, known)
    return known
  }

  return {
    // The one connection of an embedded database gains nothing from a second statement under way.
    sendConcurrency: sql.profile.concurrent ? 2 : 1,
    async send(messages) {
      const column = <T>(pick: (message: StoredMessage) => T) => messages.map(pick)
      await sql.query(SEND, [
        column((m) => m.id),
        column((m) => m.topic),
        column((m) => m.lane),
        column((m) => m.key),
        column((m) => m.payloadJson),
        column((m) => Math.ceil(m.delayMs)),
      ])
      for (const message of messages) wakeUps.get(`${message.topic}/${message.lane}`)?.wake()
    },
    subscribe: (topic, lane) => subscribe(sql, claim, topic, lane, wakeUpOf(topic, lane), clock, options),
    async depth(topic, most) {
      const [row] = await sql.query<{ depth: number }>(DEPTH, [topic, most])
      return row?.depth ?? 0
    },
    async deadLetters(topic, limit, lane) {
      const rows = await sql.query<DeadRow>(DEAD_LETTERS, [topic, limit, lane])
      return rows.map(
        ({ message_id, died_at, ...row }): DeadLetter => ({ id: message_id.toString(), ...row, diedAt: died_at }),
      )
    },
    async redrive(topic, ids) {
      let redriven = 0
      for (;;) {
        const rows = await sql.query(REDRIVE, [topic, ids, REDRIVE_ROWS])
        redriven += rows.length
        if (rows.length < REDRIVE_ROWS) break
      }
      if (redriven > 0) for (const lane of ['small', 'bulk']) wakeUps.get(`${topic}/${lane}`)?.wake()
      return redriven
    },
    async depths() {
      const rows = await sql.query<{ topic: string; lane: Lane; depth: number; dead_letters: number }>(DEPTHS)
      return rows.map(({ dead_letters, ...row }): TopicDepth => ({ ...row, deadLetters: dead_letters }))
    },
    // The client belongs to the engine.
    close: async () => undefined,
  }
}

function subscribe(
  sql: SqlClient,
  claim: string,
  topic: string,
  lane: Lane,
  wakeUp: WakeUp,
  clock: Clock,
  options: SqlQueueOptions,
): Subscription {
  const leaseMs = options.leaseMs ?? LIMITS.queueLeaseMs
  const pollMs = options.pollMs ?? POLL_MAX_MS

  /** Left alone they come again when their lease runs out, if they were not given back. */
  const perhapsGivenBack = new WeakSet<Message>()
  let floor: Date | undefined
  let fullLookAt = 0

  async function claimed(max: number): Promise<Message[]> {
    const startedAt = clock.now()
    const full = floor === undefined || startedAt >= fullLookAt
    const rows = await sql.query<ClaimedRow>(claim, [topic, lane, max, leaseMs, full ? '-infinity' : floor])
    if (full) fullLookAt = clock.now() + Math.max(FULL_LOOK_MS, (clock.now() - startedAt) / FULL_LOOK_SHARE)
    if (rows[0] !== undefined) floor = new Date(rows[0].newest_due.getTime() - LATE_COMMIT_MS)
    rows.sort((a, b) => (a.message_id < b.message_id ? -1 : 1))
    return rows.map((row) => ({
      id: row.message_id.toString(),
      topic,
      lane,
      key: row.key,
      payload: row.payload,
      attempt: row.attempt,
    }))
  }

  return {
    leaseMs,
    async receive(max, signal) {
      let restMs = Math.min(POLL_FIRST_MS, pollMs)
      while (!signal.aborted) {
        const ticket = wakeUp.ticket()
        const messages = await claimed(max)
        if (messages.length > 0) return messages
        await wakeUp.rest(ticket, restMs, signal)
        restMs = Math.min(restMs * 2, pollMs)
      }
      return []
    },
    async ack(messages) {
      await sql.query(ACK, [idsOf(messages)])
    },
    async retry(message, delayMs, reason) {
      await sql.query(RETRY, [message.id, message.attempt, reasonText(reason), Math.ceil(delayMs)])
    },
    async bury(message, reason) {
      await sql.query(BURY, [message.id, message.attempt, reasonText(reason)])
    },
    async giveBack(messages) {
      // Whoever has claimed it since proves it by the same attempt: said again, it would be taken from him.
      const unsaid = messages.filter((message) => !perhapsGivenBack.has(message))
      try {
        await sql.query(GIVE_BACK, [idsOf(unsaid), attemptsOf(unsaid)])
      } catch (error) {
        if (failureKind(error) === 'ambiguous') for (const message of unsaid) perhapsGivenBack.add(message)
        throw error
      }
      wakeUp.wake()
    },
    async extend(messages) {
      const rows = await sql.query<{ message_id: bigint }>(EXTEND, [idsOf(messages), attemptsOf(messages), leaseMs])
      const kept = new Set(rows.map((row) => row.message_id.toString()))
      return messages.filter((message) => !kept.has(message.id))
    },
    close: async () => undefined,
  }
}
