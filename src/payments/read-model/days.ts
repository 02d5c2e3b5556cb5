import type { RecordedEvent } from '../model/events.ts'
import type { PaymentState } from '../model/state.ts'
import type { PaymentDay } from '../ports/views.ts'

const DAY_MS = 86_400_000

export type DayCounts = Omit<PaymentDay, 'day' | 'currency' | 'processor'>

export const NO_COUNTS: DayCounts = {
  ...{ created: 0, authorized: 0, declined: 0, captures: 0, capturedAmount: 0n },
  ...{ refunds: 0, refundedAmount: 0n, disputes: 0, disputedAmount: 0n },
}

/** Sums that are still being added up. */
export type DaySums = { -readonly [Name in keyof PaymentDay]: PaymentDay[Name] }

export function addCounts(sums: DaySums, more: Partial<DayCounts>): void {
  const { created = 0, authorized = 0, declined = 0, captures = 0, capturedAmount = 0n } = more
  const { refunds = 0, refundedAmount = 0n, disputes = 0, disputedAmount = 0n } = more
  sums.created += created
  sums.authorized += authorized
  sums.declined += declined
  sums.captures += captures
  sums.capturedAmount += capturedAmount
  sums.refunds += refunds
  sums.refundedAmount += refundedAmount
  sums.disputes += disputes
  sums.disputedAmount += disputedAmount
}

/** The day of a moment, UTC. */
export const dayAt = (timestampMs: number): string => new Date(timestampMs).toISOString().slice(0, 10)
/** Whether the text is a day that exists. */
export function isDay(day: string): boolean {
  const timeMs = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(timeMs) && dayAt(timeMs) === day
}
export const dayNumber = (timestampMs: number): number => Math.floor(timestampMs / DAY_MS)

/** Whether a correction made an authorization of what had been a decline. */
function isLateAuthorization(event: RecordedEvent, before: PaymentState, after: PaymentState): boolean {
  if (event.type !== 'OUTCOME_CORRECTED') return false
  const kind = event.payload.kind ?? before.operations.get(event.payload.op_id)?.kind
  return kind === 'authorize' && before.phase !== 'authorized' && after.phase === 'authorized'
}

const signOf = (amount: bigint): number => (amount > 0n ? 1 : amount < 0n ? -1 : 0)

/** What an event adds to the sums of its day; `undefined` when nothing. */
export function countsOf(
  event: RecordedEvent,
  before: PaymentState,
  after: PaymentState,
): Partial<DayCounts> | undefined {
  switch (event.type) {
    case 'INITIATED':
      return { created: 1 }
    case 'AUTHORIZED':
    case 'PARTIALLY_AUTHORIZED':
      return { authorized: 1 }
    case 'DECLINED':
      return { declined: 1 }
    case 'DISPUTE_OPENED':
      return { disputes: 1, disputedAmount: BigInt(event.payload.amount) }
    default: {
      const capturedAmount = after.captured - before.captured
      const refundedAmount = after.refunded - before.refunded
      const authorized = isLateAuthorization(event, before, after) ? 1 : 0
      if (capturedAmount === 0n && refundedAmount === 0n && authorized === 0) return undefined
      return {
        ...{ authorized, captures: signOf(capturedAmount), capturedAmount },
        ...{ refunds: signOf(refundedAmount), refundedAmount },
      }
    }
  }
}

/** The processor that an event is about: that of its operation, as long as it is remembered. */
export function processorOf(event: RecordedEvent, before: PaymentState, after: PaymentState): string {
  const opId = 'op_id' in event.payload ? event.payload.op_id : undefined
  return (opId === undefined ? undefined : before.operations.get(opId)?.processor) ?? after.processor
}
