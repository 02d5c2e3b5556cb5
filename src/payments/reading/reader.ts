import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../../core/cursor.ts'
import { AppError, invalidField } from '../../core/errors.ts'
import { foldStored, paymentNotFound } from '../commands/writer.ts'
import { OPERATION_STATUSES, type OperationStatus, type PaymentState } from '../model/state.ts'
import type { Moment, PaymentStore } from '../ports/store.ts'
import type { PaymentViews, TransactionKey, ViewedPayment } from '../ports/views.ts'
import type { PersonalData } from '../privacy/personal-data.ts'
import type * as schemas from '../schemas.ts'
import { NO_BILLING, toBilling, toEventDocument, toOperation, toPayment, toTransaction } from './documents.ts'

export interface PaymentReader {
  /**
   * A payment, never stale. `as_of`: a version, a position in the log of its shard as `@123` (the `event_id` of an event),
   * or an RFC 3339 time; the payment as it was then.
   */
  get(paymentIntentId: string, options?: { readonly as_of?: string | undefined }): Promise<schemas.Payment>
  /** The payments of an order, oldest first, never stale. */
  listByOrder(orderId: string): Promise<schemas.Payment[]>
  /** The facts of a payment, oldest first. */
  events(paymentIntentId: string, page?: PageRequest): Promise<Page<schemas.PaymentEventDocument>>
  /** What a customer has paid and got back, newest first; a moment behind the log. */
  transactions(customerId: string, page?: PageRequest): Promise<Page<schemas.Transaction>>
  /** Calls to processors with this status, oldest first; those that wait for a person unless given. */
  operations(status?: string, page?: PageRequest): Promise<Page<schemas.OperationDocument>>
}

export interface ReaderDeps {
  readonly store: PaymentStore
  readonly views: PaymentViews
  readonly personalData: PersonalData
}

/** A payment as callers see it, with what is personal decrypted. */
export async function showPayment(
  { personalData }: Pick<ReaderDeps, 'personalData'>,
  paymentIntentId: string,
  state: PaymentState,
  opId?: string,
): Promise<schemas.Payment> {
  const { personal } = state
  const billing = personal === undefined ? NO_BILLING : toBilling(await personalData.open(personal, paymentIntentId))
  return toPayment(paymentIntentId, state, billing, opId)
}

/** The payment as of a moment; throws `payment_not_found` when it had not begun, or has not come so far. */
export async function stateAsOf(store: PaymentStore, paymentIntentId: string, until: Moment): Promise<PaymentState> {
  const { snapshot, events } = await store.load(paymentIntentId, until)
  const state = foldStored(events, snapshot?.state)
  const tooFar = 'version' in until && state.version < until.version
  if (state.version > 0 && !tooFar) return state
  if ((await store.events(paymentIntentId, 0, 1)).length === 0) throw paymentNotFound(paymentIntentId)
  throw new AppError('payment_not_found', `Payment ${paymentIntentId} has no state as of then`)
}

function momentOf(text: string): Moment {
  if (/^\d{1,9}$/.test(text)) return { version: Number(text) }
  if (/^@\d{1,18}$/.test(text)) return { eventId: BigInt(text.slice(1)) }
  const timestampMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(timestampMs)) {
    throw invalidField('query/as_of', 'must be a version, a position such as @123, or an RFC 3339 time')
  }
  return { timestampMs }
}

function operationStatus(text: string): OperationStatus {
  const status = OPERATION_STATUSES.find((known) => known === text)
  if (status === undefined) throw invalidField('query/status', `must be one of ${OPERATION_STATUSES.join(', ')}`)
  return status
}

export function createPaymentReader(deps: ReaderDeps): PaymentReader {
  const { store, views } = deps

  /** The read model's state, and what the log has on top of it. */
  async function upToDate({ paymentIntentId, headVersion, state }: ViewedPayment): Promise<schemas.Payment> {
    if (state !== undefined && state.version >= headVersion) return showPayment(deps, paymentIntentId, state)
    if (state === undefined) {
      const { snapshot, events } = await store.load(paymentIntentId)
      return showPayment(deps, paymentIntentId, foldStored(events, snapshot?.state))
    }
    const newer = await store.events(paymentIntentId, state.version)
    return showPayment(deps, paymentIntentId, foldStored(newer, state))
  }

  return {
    async get(id, options = {}) {
      if (options.as_of !== undefined) {
        return showPayment(deps, id, await stateAsOf(store, id, momentOf(options.as_of)))
      }
      const viewed = await views.find(id)
      if (viewed === undefined) throw paymentNotFound(id)
      return upToDate(viewed)
    },
    async listByOrder(orderId) {
      return Promise.all((await views.findByOrder(orderId)).map(upToDate))
    },
    async events(id, page = {}) {
      const limit = pageLimit(page.limit)
      const list = `payment-events:${id}`
      const [after = '0'] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.events(id, Number(after), limit + 1)
      if (rows.length === 0 && after === '0') throw paymentNotFound(id)
      return pageOf(list, rows, limit, (event) => [String(event.version)], toEventDocument)
    },
    async transactions(customerId, page = {}) {
      const limit = pageLimit(page.limit)
      const list = `transactions:${customerId}`
      const key = decodeCursor(list, 3, page.cursor)
      const before: TransactionKey | undefined =
        key === undefined
          ? undefined
          : { timestampMs: Number(key[0]), paymentIntentId: key[1]!, version: Number(key[2]) }
      const rows = await views.transactions(customerId, before, limit + 1)
      return pageOf(
        list,
        rows,
        limit,
        (row) => [String(row.timestampMs), row.paymentIntentId, String(row.version)],
        toTransaction,
      )
    },
    async operations(status = 'review', page = {}) {
      const limit = pageLimit(page.limit)
      const list = `operations:${status}`
      const [after] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.operationsWith(operationStatus(status), limit + 1, after)
      return pageOf(list, rows, limit, (row) => [row.opId], toOperation)
    },
  }
}
