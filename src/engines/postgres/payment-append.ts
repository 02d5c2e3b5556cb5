import { createBatcher, type ItemResult } from '../../core/batcher.ts'
import type { Clock } from '../../core/clock.ts'
import { failureKind } from '../../core/retry.ts'
import type { NewPayment, PaymentAppend, SealedEvent } from '../../payments/ports/store.ts'
import { sendUntilKnown } from '../sql/send-until-known.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { APPEND, appendParams } from './payment-change.ts'
import { CREATE, createParams } from './payment-create.ts'

/** Which of these events are stored as they were sealed: how a batch whose answer was lost finds out what it did. */
const LANDED = `
select payment_intent_id from payment_events
where (shard, payment_intent_id, version, hash) in (
  select * from unnest($1::smallint[], $2::text[], $3::int[], $4::bytea[]))`

type Outcome = 'appended' | 'conflict' | 'key_taken'

interface AppendRow {
  id: string
  appended?: boolean
}

interface Placed {
  readonly shard: number
  readonly paymentIntentId: string
}

/** The two kinds of batch differ in their statement and in how its rows are read. */
interface Kind<Item> {
  readonly text: string
  readonly params: (items: readonly Item[]) => SqlParam[]
  readonly keyOf: (item: Item) => { readonly scope: string; readonly key: string } | undefined
  /** Whether its key must be new: of the items of one batch with the same key, only the first is sent then. */
  readonly takesKey: (item: Item) => boolean
  readonly first: (item: Item) => SealedEvent
  readonly outcome: (row: AppendRow | undefined) => Outcome
}

const CREATES: Kind<NewPayment> = {
  text: CREATE,
  params: createParams,
  keyOf: (item) => item.key,
  takesKey: () => true,
  first: (item) => item.event,
  outcome: (row) => (row === undefined ? 'key_taken' : 'appended'),
}

const APPENDS: Kind<PaymentAppend> = {
  text: APPEND,
  params: appendParams,
  keyOf: (item) => item.key?.key,
  takesKey: (item) => item.key?.kind === 'take',
  first: (item) => item.events[0]!,
  outcome: (row) => (row?.appended ? 'appended' : row === undefined ? 'conflict' : 'key_taken'),
}

/** Sends one batch, again as long as it must be, so that every item is written exactly once or not at all. */
function sendBatch<Item extends Placed>(
  sql: SqlClient,
  clock: Clock,
  kind: Kind<Item>,
  items: readonly Item[],
): Promise<Outcome[]> {
  const params = kind.params(items)
  async function send(): Promise<Outcome[]> {
    const rows = new Map((await sql.query<AppendRow>(kind.text, params)).map((row) => [row.id, row]))
    return items.map((item) => kind.outcome(rows.get(item.paymentIntentId)))
  }
  // Sending it again can't double it: the versions and keys it needs are gone then. What it wrote is known by its hashes.
  return sendUntilKnown(clock, send, (outcomes) => withLanded(sql, kind, items, outcomes))
}

async function withLanded<Item extends Placed>(
  sql: SqlClient,
  kind: Kind<Item>,
  items: readonly Item[],
  outcomes: readonly Outcome[],
): Promise<Outcome[]> {
  const rows = await sql.query<{ payment_intent_id: string }>(LANDED, [
    items.map((item) => item.shard),
    items.map((item) => item.paymentIntentId),
    items.map((item) => kind.first(item).version),
    items.map((item) => kind.first(item).hash),
  ])
  const landed = new Set(rows.map((row) => row.payment_intent_id))
  return items.map((item, index) => (landed.has(item.paymentIntentId) ? 'appended' : outcomes[index]!))
}

function keyName<Item>(kind: Kind<Item>, item: Item): string | undefined {
  const key = kind.keyOf(item)
  return key === undefined ? undefined : `${key.scope}\n${key.key}`
}

/** So that some are made ready while others are stored: of one large batch at a time, all would wait for each step. */
const BATCHES_UNDER_WAY = 3
const BATCH_ITEMS = 96

/**
 * Group commit of one kind of item. All shards share its batches: a statement costs more than its rows. What concerns
 * one payment, or one key, is never in two batches at the same time, so no batch waits for a row of another of this
 * process until it comes to the heads of the log.
 */
function createKindBatcher<Item extends Placed>(sql: SqlClient, clock: Clock, kind: Kind<Item>) {
  const send = (items: readonly Item[]) => sendBatch(sql, clock, kind, items)

  async function alone(item: Item): Promise<ItemResult<Outcome>> {
    try {
      return { ok: true, value: (await send([item]))[0]! }
    } catch (error) {
      return { ok: false, error }
    }
  }

  async function run(items: readonly Item[]): Promise<ItemResult<Outcome>[]> {
    const payments = new Set<string>()
    const keys = new Set<string>()
    const results = new Map<Item, ItemResult<Outcome>>()
    for (const item of items) {
      const key = keyName(kind, item)
      if (payments.has(item.paymentIntentId)) results.set(item, { ok: true, value: 'conflict' })
      else if (key !== undefined && kind.takesKey(item) && keys.has(key))
        results.set(item, { ok: true, value: 'key_taken' })
      else {
        payments.add(item.paymentIntentId)
        if (key !== undefined) keys.add(key)
      }
    }
    const sent = items.filter((item) => !results.has(item))
    try {
      const outcomes = await send(sent)
      sent.forEach((item, index) => {
        results.set(item, { ok: true, value: outcomes[index]! })
      })
    } catch (error) {
      // One bad item must not fail its neighbours; a database that is away fails all of them.
      if (failureKind(error) !== 'permanent' || sent.length === 1) throw error
      for (const item of sent) results.set(item, await alone(item))
    }
    return items.map((item) => results.get(item)!)
  }

  return createBatcher<Item, Outcome>({
    run,
    maxItems: BATCH_ITEMS,
    concurrency: BATCHES_UNDER_WAY,
    locks: (item) => [item.paymentIntentId, keyName(kind, item) ?? []].flat(),
  })
}

export interface PaymentAppender {
  create(payment: NewPayment): Promise<Outcome>
  append(append: PaymentAppend): Promise<Outcome>
}

export function createPaymentAppender(sql: SqlClient, clock: Clock): PaymentAppender {
  const creates = createKindBatcher(sql, clock, CREATES)
  const appends = createKindBatcher(sql, clock, APPENDS)
  return { create: (payment) => creates.add(payment), append: (append) => appends.add(append) }
}
