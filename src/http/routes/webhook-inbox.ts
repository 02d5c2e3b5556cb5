import { InboxDocument, InboxQuery, InboxReplayed, ReplayInbox } from '../../payments/inbox/schemas.ts'
import type { Payments } from '../../payments/payments.ts'
import { pageOf } from '../../payments/schemas.ts'
import { pagedQuery, problems, type Routes } from '../route.ts'

/** What processors have told, and how to have it applied again. */
export function webhookInboxRoutes(payments: Pick<Payments, 'inbox' | 'replayInbox'>): Routes {
  return (app) => {
    app.get(
      '/v1/webhook-inbox',
      {
        config: { scope: 'payments' },
        schema: {
          operationId: 'listWebhookInbox',
          summary: 'List the webhooks that processors have sent, oldest first',
          description: 'With `state=failed`: those that could not be applied, and why.',
          tags: ['payments'],
          querystring: pagedQuery(InboxQuery.properties),
          response: { 200: pageOf(InboxDocument), ...problems },
        },
      },
      async ({ query: { processor, state, limit, cursor } }) =>
        payments.inbox(
          { ...(processor === undefined ? {} : { processor }), ...(state === undefined ? {} : { state }) },
          { limit, cursor },
        ),
    )
    app.post(
      '/v1/webhook-inbox/replay',
      {
        config: { scope: 'payments' },
        schema: {
          operationId: 'replayWebhookInbox',
          summary: 'Have webhooks of a processor applied again',
          description: 'Soon after, by a worker. It does no harm: what is known already changes nothing.',
          tags: ['payments'],
          body: ReplayInbox,
          response: { 200: InboxReplayed, ...problems },
        },
      },
      async (request) => payments.replayInbox(request.body),
    )
  }
}
