import {
  cursorNumber,
  cursorTimeMs,
  decodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  pageOf,
} from '../../core/cursor.ts'
import { AppError, invalidField } from '../../core/errors.ts'
import type { AskedCommands } from '../commands/asked.ts'
import { foldStored, paymentNotFound } from '../commands/writer.ts'
import { OPERATION_STATUSES, type PaymentState } from '../model/state.ts'
import type { Moment, OperationsWanted, PaymentStore } from '../ports/store.ts'
import type { PaymentViews, TransactionKey, ViewedPayment } from '../ports/views.ts'
import type { PersonalData } from '../privacy/personal-data.ts'
import type * as schemas from '../schemas.ts'
import { paymentActions } from './actions.ts'
import { NO_BILLING, toBilling, toEventDocument, toOperation, toPayment, toTransaction } from './documents.ts'
import type { ListOperations, ListPaymentEvents } from './list-schemas.ts'

export interface GetPayment {
  /** A version, a position in the log of its shard as `@123` (the `event_id` of an event), or an RFC 3339 time. */
  readonly as_of?: string | undefined
  /** The number of an event, from 1; not with `as_of`. */
  readonly version?: number | undefined
  /** Whether a payment as it is now tells what may be done with it. */
  readonly actions?: boolean | undefined
}

export interface PaymentReader {
  /**
   * A payment, never stale; with `as_of` or `version` as it was then. Throws `payment_not_found`, and `invalid_input` for a
   * version that it never had.
   */
  get(paymentIntentId: string, options?: GetPayment): Promise<schemas.Payment>
  /** The payments of an order, oldest first, never stale. */
  listByOrder(orderId: string): Promise<schemas.Payment[]>
  /** The facts of a payment, oldest first; with `op_id` only those about that operation. */
  events(paymentIntentId: string, page?: PageRequest & ListPaymentEvents): Promise<Page<schemas.PaymentEventDocument>>
  /** What a customer has paid and got back, newest first; a moment behind the log. */
  transactions(customerId: string, page?: PageRequest): Promise<Page<schemas.Transaction>>
  /** Calls to processors, oldest first; those that wait for a person unless a status or a payment is given. */
  operations(filter?: ListOperations, page?: PageRequest): Promise<Page<schemas.OperationDocument>>
}

export interface ReaderDeps {
  readonly store: PaymentStore
  readonly views: PaymentViews
  readonly personalData: PersonalData
  readonly asked: AskedCommands
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

async function requirePayment(store: PaymentStore, paymentIntentId: string): Promise<void> {
  if ((await store.events(paymentIntentId, 0, 1)).length === 0) throw paymentNotFound(paymentIntentId)
}

/** The payment as of a moment; throws `payment_not_found` when it had not begun, or has not come so far. */
export async function stateAsOf(store: PaymentStore, paymentIntentId: string, until: Moment): Promise<PaymentState> {
  const { snapshot, events } = await store.load(paymentIntentId, until)
  const state = foldStored(events, snapshot?.state)
  const tooFar = 'version' in until && state.version < until.version
  if (state.version > 0 && !tooFar) return state
  await requirePayment(store, paymentIntentId)
  throw new AppError('payment_not_found', `Payment ${paymentIntentId} has no state as of then`)
}

async function stateAt(store: PaymentStore, paymentIntentId: string, version: number): Promise<PaymentState> {
  const isNumber = Number.isSafeInteger(version) && version >= 1
  const { snapshot, events } = await store.load(paymentIntentId, { version: isNumber ? version : 1 })
  const state = foldStored(events, snapshot?.state)
  if (state.version === 0) throw paymentNotFound(paymentIntentId)
  if (isNumber && state.version === version) return state
  throw invalidField('query/version', isNumber ? `must be 1 to ${state.version}` : 'must be a whole number from 1')
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

function operationsWanted({ status: text, payment_intent_id: paymentIntentId }: ListOperations): OperationsWanted {
  if (text === undefined) return paymentIntentId === undefined ? { status: 'review' } : { paymentIntentId }
  const status = OPERATION_STATUSES.find((known) => known === text)
  if (status === undefined) throw invalidField('query/status', `must be one of ${OPERATION_STATUSES.join(', ')}`)
  return { status, paymentIntentId }
}

export function createPaymentReader(deps: ReaderDeps): PaymentReader {
  const { store, views } = deps

  /** The read model's state, and what the log has on top of it. */
  async function upToDate({ paymentIntentId, headVersion, state }: ViewedPayment): Promise<PaymentState> {
    if (state !== undefined && state.version >= headVersion) return state
    if (state === undefined) {
      const { snapshot, events } = await store.load(paymentIntentId)
      return foldStored(events, snapshot?.state)
    }
    return foldStored(await store.events(paymentIntentId, state.version), state)
  }

  async function show(viewed: ViewedPayment): Promise<schemas.Payment> {
    return showPayment(deps, viewed.paymentIntentId, await upToDate(viewed))
  }

  return {
    async get(id, { as_of: asOf, version, actions = false } = {}) {
      if (version !== undefined && asOf !== undefined) throw invalidField('query/version', 'must not come with as_of')
      if (version !== undefined) return showPayment(deps, id, await stateAt(store, id, version))
      if (asOf !== undefined) return showPayment(deps, id, await stateAsOf(store, id, momentOf(asOf)))
      const viewed = await views.find(id)
      if (viewed === undefined) throw paymentNotFound(id)
      const state = await upToDate(viewed)
      const payment = await showPayment(deps, id, state)
      return actions ? { ...payment, actions: paymentActions(state, deps.asked) } : payment
    },
    async listByOrder(orderId) {
      return Promise.all((await views.findByOrder(orderId)).map(show))
    },
    async events(id, page = {}) {
      const limit = pageLimit(page.limit)
      const list = `payment-events:${id}:${page.op_id ?? ''}`
      const [after = '0'] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.events(id, cursorNumber(after), limit + 1, page.op_id)
      if (rows.length === 0) await requirePayment(store, id)
      return pageOf(list, rows, limit, (event) => [String(event.version)], toEventDocument)
    },
    async transactions(customerId, page = {}) {
      const limit = pageLimit(page.limit)
      const list = `transactions:${customerId}`
      const key = decodeCursor(list, 3, page.cursor)
      const before: TransactionKey | undefined =
        key === undefined
          ? undefined
          : { timestampMs: cursorTimeMs(key[0]!), paymentIntentId: key[1]!, version: cursorNumber(key[2]!) }
      const rows = await views.transactions(customerId, before, limit + 1)
      return pageOf(
        list,
        rows,
        limit,
        (row) => [String(row.timestampMs), row.paymentIntentId, String(row.version)],
        toTransaction,
      )
    },
    async operations(filter = {}, page = {}) {
      const limit = pageLimit(page.limit)
      const wanted = operationsWanted(filter)
      const list = `operations:${wanted.status ?? ''}:${wanted.paymentIntentId ?? ''}`
      const [after] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.findOperations(wanted, limit + 1, after)
      return pageOf(list, rows, limit, (row) => [row.opId], toOperation)
    },
  }
}
