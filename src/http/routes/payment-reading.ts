import Type from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import type { Payments } from '../../payments/payments.ts'
import { ListPaymentEvents, ListPayments, PaymentCheck, PaymentPage } from '../../payments/reading/list-schemas.ts'
import { Payment, PaymentEventDocument, pageOf, Transaction } from '../../payments/schemas.ts'
import { type HttpApp, pagedQuery, problems, type Routes, versioned } from '../route.ts'
import { PaymentParams } from './payments.ts'

type Reading = Pick<Payments, 'list' | 'get' | 'check' | 'events' | 'transactions'>

const ListRequest = pagedQuery(ListPayments.properties)

const Moment = Type.Object(
  {
    as_of: Type.Optional(
      Type.String({
        maxLength: 40,
        description:
          'The payment as it was: a version (`2`), a position in the log of its shard (`@123`, the event_id of an event), or an RFC 3339 time',
        examples: ['2', '@123', '2026-01-31T12:00:00Z'],
      }),
    ),
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'The payment after its event of this number, from 1 to its newest; not with as_of',
        examples: [2],
      }),
    ),
  },
  { additionalProperties: false },
)

function onePayment(app: HttpApp, payments: Reading): void {
  app.get(
    '/v1/payments/:payment_intent_id',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'getPayment',
        summary: 'Read a payment',
        description: 'Never stale. As it is now, with the `actions` that its state allows.',
        tags: ['payments'],
        params: PaymentParams,
        querystring: Moment,
        response: { 200: Payment, ...problems },
      },
    },
    async ({ params, query }, reply) =>
      versioned(reply, await payments.get(params.payment_intent_id, { ...query, actions: true })),
  )
  app.get(
    '/v1/payments/:payment_intent_id/proof',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'checkPayment',
        summary: 'Check that a payment is what its events say',
        description:
          'Verifies the chain of hashes and compares what is kept beside the events (head, operations, snapshots, read models, ledger) with them, as of one moment: the part of `fanfold verify payments` about one payment. Who rewrites a whole chain is found by the seals over the log, which that command checks too.',
        tags: ['payments'],
        params: PaymentParams,
        response: { 200: PaymentCheck, ...problems },
      },
    },
    async (request) => payments.check(request.params.payment_intent_id),
  )
  app.get(
    '/v1/payments/:payment_intent_id/events',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'listPaymentEvents',
        summary: 'List the facts of a payment, oldest first',
        tags: ['payments'],
        params: PaymentParams,
        querystring: pagedQuery(ListPaymentEvents.properties),
        response: { 200: pageOf(PaymentEventDocument), ...problems },
      },
    },
    async (request) => payments.events(request.params.payment_intent_id, request.query),
  )
}

/** Payments as they are and were, what happened to them, and whether that is as it was written. */
export function paymentReadingRoutes(payments: Reading): Routes {
  return (app) => {
    app.get(
      '/v1/payments',
      {
        config: { scope: 'payments:read' },
        schema: {
          operationId: 'listPayments',
          summary: 'List payments, newest first',
          description: 'All filters must hold. A read model: a moment behind, and without what is personal.',
          tags: ['payments'],
          querystring: ListRequest,
          response: { 200: PaymentPage, ...problems },
        },
      },
      async ({ query: { limit, cursor, ...filter } }) => payments.list(filter, { limit, cursor }),
    )
    onePayment(app, payments)
    app.get(
      '/v1/customers/:customer_id/transactions',
      {
        config: { scope: 'payments:read' },
        schema: {
          operationId: 'listTransactions',
          summary: 'List what a customer has paid and got back, newest first',
          description: 'A read model: a moment behind.',
          tags: ['payments'],
          params: Type.Object({
            customer_id: Type.String({ maxLength: LIMITS.externalIdCharsMax, description: 'Id of the customer' }),
          }),
          querystring: pagedQuery(),
          response: { 200: pageOf(Transaction), ...problems },
        },
      },
      async (request) => payments.transactions(request.params.customer_id, request.query),
    )
  }
}
