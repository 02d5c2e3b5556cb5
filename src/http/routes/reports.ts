import Type from 'typebox'
import type { Orders } from '../../orders/orders.ts'
import { salesReportCsv } from '../../orders/report/csv.ts'
import { SalesFactPage, SalesFactsQuery, SalesReport, SalesReportQuery } from '../../orders/schemas.ts'
import { pagedQuery, problems, type Routes } from '../route.ts'

const Query = Type.Object(
  {
    ...SalesReportQuery.properties,
    format: Type.Optional(
      Type.Enum(['json', 'csv'], { description: 'csv also by `Accept: text/csv`; the same columns, RFC 4180' }),
    ),
  },
  { additionalProperties: false },
)

const FactsQuery = pagedQuery(SalesFactsQuery.properties)

const CSV = /^\s*text\/csv\b/

/** Reading the sales report, and the facts behind it. */
export function reportRoutes(orders: Pick<Orders, 'salesReport' | 'salesFacts'>): Routes {
  return (app) => {
    app.get(
      '/v1/reports/sales',
      {
        config: { scope: 'reports:read' },
        schema: {
          operationId: 'salesReport',
          summary: 'What was sold',
          description:
            'Sums of daily_sales_report: a sale counts once its order is paid; what is cancelled, returned or edited away is taken back.',
          tags: ['reports'],
          querystring: Query,
          response: {
            200: {
              description: 'The sales report',
              content: {
                'application/json': { schema: SalesReport },
                'text/csv': { schema: Type.String({ description: 'One line per row, or the total' }) },
              },
            },
            ...problems,
          },
        },
      },
      async (request, reply) => {
        const { format, ...query } = request.query
        const report = await orders.salesReport(query)
        const wanted = format ?? (CSV.test(request.headers.accept ?? '') ? 'csv' : 'json')
        if (wanted === 'json') return reply.type('application/json').send(report)
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', 'attachment; filename="sales.csv"')
          .send(salesReportCsv(report))
      },
    )
    app.get(
      '/v1/reports/sales/facts',
      {
        config: { scope: 'reports:read' },
        schema: {
          operationId: 'listSalesFacts',
          summary: 'List the facts behind a figure of the sales report, the last day first',
          description:
            'Takes the filters of the report; `amount`, `tax` and `quantity` of all facts add up to its total. Facts of archived months are refused with 422 `report_archived`.',
          tags: ['reports'],
          querystring: FactsQuery,
          response: { 200: SalesFactPage, ...problems },
        },
      },
      async ({ query: { limit, cursor, ...filter } }) => orders.salesFacts(filter, { limit, cursor }),
    )
  }
}
