import Type from 'typebox'
import { SETTLEMENT_RESULTS } from '../../payments/ports/settlements.ts'
import { pageOf } from '../../payments/schemas.ts'
import { Settlement, SettlementItemDocument, SettlementWithTotals } from '../../payments/settlement/schemas.ts'
import type { Settlements } from '../../payments/settlement/settlements.ts'
import { type HttpApp, pagedQuery, problems, type Routes } from '../route.ts'

const SettlementParams = Type.Object({
  settlement_id: Type.String({ maxLength: 64, description: 'Id of the settlement file' }),
})

function readRoutes(app: HttpApp, settlements: Settlements): void {
  app.get(
    '/v1/settlements',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'listSettlements',
        summary: 'List settlement files, newest first',
        description: 'Files are imported with `fanfold import settlement FILE --processor NAME`.',
        tags: ['payments'],
        querystring: pagedQuery({
          processor: Type.Optional(Type.String({ maxLength: 40, description: 'Only files of this processor' })),
        }),
        response: { 200: pageOf(Settlement), ...problems },
      },
    },
    async ({ query: { processor, ...page } }) => settlements.list(processor, page),
  )
  app.get(
    '/v1/settlements/:settlement_id',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'getSettlement',
        summary: 'Read a settlement file: how it compares, and the sums of its lines',
        tags: ['payments'],
        params: SettlementParams,
        response: { 200: SettlementWithTotals, ...problems },
      },
    },
    async (request) => settlements.get(request.params.settlement_id),
  )
  app.get(
    '/v1/settlements/:settlement_id/items',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'listSettlementItems',
        summary:
          'List what a settlement file has beside what we have, in the order of the file; what it lacks comes last',
        description:
          'matched: as we have it; differing: `differences` says in what; missing: we have it, no file does, and the days of grace are over; unknown: we do not have it; not_compared: fees, payouts, adjustments.',
        tags: ['payments'],
        params: SettlementParams,
        querystring: pagedQuery({
          result: Type.Optional(Type.Enum([...SETTLEMENT_RESULTS], { description: 'Only items of this result' })),
        }),
        response: { 200: pageOf(SettlementItemDocument), ...problems },
      },
    },
    async ({ params, query: { result, ...page } }) => settlements.items(params.settlement_id, result, page),
  )
}

export function settlementRoutes(settlements: Settlements): Routes {
  return (app) => {
    readRoutes(app, settlements)
    app.post(
      '/v1/settlements/:settlement_id/reconcile',
      {
        config: { scope: 'payments' },
        schema: {
          operationId: 'reconcileSettlement',
          summary: 'Compare a settlement file again',
          description:
            'Takes the place of the comparison before: what was captured or found out since then is counted. It may be repeated at will.',
          tags: ['payments'],
          params: SettlementParams,
          response: { 200: SettlementWithTotals, ...problems },
        },
      },
      async (request) => settlements.reconcile(request.params.settlement_id),
    )
  }
}
