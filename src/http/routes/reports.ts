import type { Orders } from '../../orders/orders.ts'
import { SalesReport, SalesReportQuery } from '../../orders/schemas.ts'
import { problems, type Routes } from '../route.ts'

/** Reading the sales report. */
export function reportRoutes(orders: Pick<Orders, 'salesReport'>): Routes {
  return (app) => {
    app.get(
      '/v1/reports/sales',
      {
        config: { scope: 'reports:read' },
        schema: {
          operationId: 'salesReport',
          summary: 'What was sold',
          description:
            'Sums of daily_sales_report: a sale counts once its order is paid, and is taken back when it is cancelled.',
          tags: ['reports'],
          querystring: SalesReportQuery,
          response: { 200: SalesReport, ...problems },
        },
      },
      async ({ query }) => orders.salesReport(query),
    )
  }
}
