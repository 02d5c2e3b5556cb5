import type * as Driver from '@platformatic/kafka'
import { LIMITS } from '../../core/limits.ts'
import type { DeadLetter, Lane, Message } from '../../queue/port.ts'
import type { OutgoingRecord } from './producer.ts'

/** A message of the queue as it lies in Kafka. */
export interface QueueRecord {
  readonly offset: number
  readonly id: string
  readonly key: string
  readonly payloadJson: string
  readonly attempt: number
  /** Milliseconds since the epoch before which it is not handed out. */
  readonly notBefore: number
  /** What it takes in memory, about. */
  readonly bytes: number
}

type Headers = ReadonlyMap<string, string>

/** A record as it was fetched; without a value it takes its key out of a compacted topic. */
export interface FetchedRecord {
  readonly offset: number
  readonly key: string
  readonly value: string | null
  readonly headers: Headers
  /** When the broker (or, on topics made by hand, the sender) stored it, in milliseconds since the epoch. */
  readonly storedAt: number
}

const OVERHEAD_BYTES = 300
const APPEND_TIME = 8

/** What one partition answered: its records from `from` on, and the offset to go on from. */
export function recordsOf(
  batches: readonly Driver.RecordsBatch[] | undefined,
  from: number,
): { records: FetchedRecord[]; next: number } {
  const records: FetchedRecord[] = []
  let next = from
  for (const batch of batches ?? []) {
    const first = Number(batch.firstOffset)
    const isAppendTime = (batch.attributes & APPEND_TIME) !== 0
    for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
      // A fetch answers whole batches, also those that begin before.
      if (first + offsetDelta < from) continue
      records.push({
        offset: first + offsetDelta,
        key: key.toString(),
        // The driver answers no bytes for no value; a payload is never empty.
        value: value.length === 0 ? null : value.toString(),
        headers: new Map(headers.map(([name, content]) => [name.toString(), content.toString()])),
        storedAt: Number(isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta),
      })
    }
    next = Math.max(next, first + batch.lastOffsetDelta + 1)
  }
  return { records, next }
}

export function queueRecordOf({ offset, key, value, headers, storedAt }: FetchedRecord): QueueRecord | undefined {
  const id = headers.get('id')
  if (value === null || id === undefined) return undefined
  return {
    offset,
    id,
    key,
    payloadJson: value,
    attempt: Number(headers.get('attempt') ?? 1),
    notBefore: headers.has('delay-ms') ? storedAt + Number(headers.get('delay-ms')) : 0,
    bytes: 2 * value.length + OVERHEAD_BYTES,
  }
}

export function messageOf(record: QueueRecord, topic: string, lane: Lane): Message {
  const { id, key, payloadJson, attempt } = record
  return { id, topic, lane, key, payload: JSON.parse(payloadJson) as Message['payload'], attempt }
}

export function outgoing(
  to: { readonly topic: string; readonly partition: number },
  message: { readonly id: string; readonly key: string; readonly payloadJson: string },
  headers: { readonly attempt?: number; readonly delayMs?: number; readonly reason?: string } = {},
): OutgoingRecord {
  const { attempt = 1, delayMs, reason } = headers
  return {
    ...to,
    key: message.key,
    value: message.payloadJson,
    headers: {
      id: message.id,
      ...(attempt === 1 ? {} : { attempt: String(attempt) }),
      ...(delayMs === undefined ? {} : { 'delay-ms': String(Math.ceil(delayMs)) }),
      ...(reason === undefined ? {} : { reason: reasonText(reason) }),
    },
  }
}

const reasonText = (reason: string) => reason.slice(0, LIMITS.reasonCharsMax)

/** Keyed by the message's id, so that burying twice leaves one. */
export function buried(
  topic: string,
  message: Message,
  payloadJson: string,
  reason: string,
  diedAt: number,
): OutgoingRecord {
  return {
    topic,
    partition: 0,
    key: message.id,
    value: payloadJson,
    headers: {
      topic: message.topic,
      lane: message.lane,
      key: message.key,
      attempts: String(message.attempt),
      reason: reasonText(reason),
      'died-at': String(diedAt),
    },
  }
}

export function deadLetterOf({
  key,
  value,
  headers,
}: FetchedRecord): (DeadLetter & { payloadJson: string }) | undefined {
  if (value === null) return undefined
  return {
    id: key,
    topic: headers.get('topic') ?? '',
    lane: headers.get('lane') === 'bulk' ? 'bulk' : 'small',
    key: headers.get('key') ?? '',
    payload: JSON.parse(value) as DeadLetter['payload'],
    payloadJson: value,
    attempts: Number(headers.get('attempts') ?? 0),
    reason: headers.get('reason') ?? '',
    diedAt: new Date(Number(headers.get('died-at') ?? 0)),
  }
}
