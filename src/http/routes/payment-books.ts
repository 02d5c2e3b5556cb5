import type { Payments } from '../../payments/payments.ts'
import {
  DisputeDocument,
  DisputeQuery,
  LedgerAccounts,
  LedgerAccountsQuery,
  LedgerEntriesQuery,
  LedgerEntryDocument,
  PaymentFigures,
  PaymentFiguresQuery,
} from '../../payments/reading/book-schemas.ts'
import { pageOf } from '../../payments/schemas.ts'
import { type HttpApp, pagedQuery, problems, type Routes } from '../route.ts'

type Books = Pick<Payments, 'disputes' | 'ledger' | 'report'>

const DisputesRequest = pagedQuery(DisputeQuery.properties)
const EntriesRequest = pagedQuery(LedgerEntriesQuery.properties)

function ledgerRoutes(app: HttpApp, { ledger }: Books): void {
  app.get(
    '/v1/ledger/accounts',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'listLedgerAccounts',
        summary: 'Balances of the ledger of payments',
        description: 'Double entry: over all accounts of a currency, the balances add up to 0. A moment behind.',
        tags: ['payments'],
        querystring: LedgerAccountsQuery,
        response: { 200: LedgerAccounts, ...problems },
      },
    },
    async (request) => ledger.accounts(request.query),
  )
  app.get(
    '/v1/ledger/entries',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'listLedgerEntries',
        summary: 'Entries of an account or of a payment, newest first',
        description: 'Name an `account`, a `payment_intent_id` or both. A moment behind.',
        tags: ['payments'],
        querystring: EntriesRequest,
        response: { 200: pageOf(LedgerEntryDocument), ...problems },
      },
    },
    async (request) => {
      const { limit, cursor, ...query } = request.query
      return ledger.entries(query, { limit, cursor })
    },
  )
}

/** Disputes, the ledger and figures of payments. */
export function paymentBookRoutes(books: Books): Routes {
  return (app) => {
    app.get(
      '/v1/disputes',
      {
        config: { scope: 'payments:read' },
        schema: {
          operationId: 'listDisputes',
          summary: 'List disputes, the one whose evidence is due first at the top',
          description: 'Those that are not closed unless `status` says otherwise. A moment behind.',
          tags: ['payments'],
          querystring: DisputesRequest,
          response: { 200: pageOf(DisputeDocument), ...problems },
        },
      },
      async (request) => {
        const { limit, cursor, ...query } = request.query
        return books.disputes(query, { limit, cursor })
      },
    )
    ledgerRoutes(app, books)
    app.get(
      '/v1/reports/payments',
      {
        config: { scope: 'reports:read' },
        schema: {
          operationId: 'paymentsReport',
          summary: 'Volume, success rate, refunds and disputes of payments',
          description:
            'Sums that are kept by day, currency and processor; each fact counts on the day it was recorded.',
          tags: ['reports'],
          querystring: PaymentFiguresQuery,
          response: { 200: PaymentFigures, ...problems },
        },
      },
      async (request) => books.report(request.query),
    )
  }
}
