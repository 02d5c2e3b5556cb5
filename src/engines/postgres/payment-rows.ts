import type { OperationKind } from '../../payments/model/events.ts'
import type { OperationStatus } from '../../payments/model/state.ts'
import type { OperationRow, StoredEvent } from '../../payments/ports/store.ts'

/** Rows of the payment tables as the ports know them. */
export interface EventRow {
  shard: number
  event_id: bigint
  payment_intent_id: string
  version: number
  event_type: string
  schema_version: number
  timestamp: Date
  payload: Record<string, unknown>
  op_id: string | null
  actor: string
  prev_hash: Uint8Array
  hash: Uint8Array
}

export const EVENT_COLUMNS =
  'shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp, payload, op_id, actor, prev_hash, hash'

export function toStoredEvent(row: EventRow): StoredEvent {
  return {
    shard: row.shard,
    eventId: row.event_id,
    paymentIntentId: row.payment_intent_id,
    version: row.version,
    type: row.event_type,
    schemaVersion: row.schema_version,
    timestampMs: row.timestamp.getTime(),
    payload: row.payload,
    opId: row.op_id ?? undefined,
    actor: row.actor,
    prevHash: row.prev_hash,
    hash: row.hash,
  }
}

export interface OperationSqlRow {
  op_id: string
  payment_intent_id: string
  kind: string
  amount: bigint
  settled: bigint
  processor: string
  status: string
  reference: string | null
  dispute_id: string | null
  attempts: number
  requested_at: Date
  next_check_at: Date | null
  key_shard: number | null
  key_scope: string | null
  key: string | null
  key_op_id: string | null
}

export const OPERATION_COLUMNS =
  'op_id, payment_intent_id, kind, amount, settled, processor, status, reference, dispute_id, attempts, requested_at, ' +
  'next_check_at, key_shard, key_scope, key, key_op_id'

export function toOperation(row: OperationSqlRow): OperationRow {
  const { key_shard: shard, key_scope: scope, key, key_op_id: opId } = row
  return {
    opId: row.op_id,
    paymentIntentId: row.payment_intent_id,
    kind: row.kind as OperationKind,
    amount: row.amount,
    settled: row.settled,
    processor: row.processor,
    status: row.status as OperationStatus,
    reference: row.reference ?? undefined,
    disputeId: row.dispute_id ?? undefined,
    attempts: row.attempts,
    requestedAtMs: row.requested_at.getTime(),
    nextCheckAtMs: row.next_check_at?.getTime(),
    key: shard === null || scope === null || key === null || opId === null ? undefined : { shard, scope, key, opId },
  }
}
