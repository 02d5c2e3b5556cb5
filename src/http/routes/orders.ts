import Type from 'typebox'
import type { CommandContext } from '../../core/command.ts'
import type { Orders } from '../../orders/orders.ts'
import {
  CancelOrder,
  DeliverOrder,
  HistoryPage,
  ListOrders,
  OrderDocument,
  OrderPage,
  PlaceOrder,
  ShipOrder,
} from '../../orders/schemas.ts'
import { commandContext, type HttpApp, PageQuery, problems, type Routes, versioned } from '../route.ts'

const OrderParams = Type.Object({ order_id: Type.String({ maxLength: 100, description: 'The order' }) })

type OrderService = Pick<Orders, 'place' | 'get' | 'list' | 'history' | 'ship' | 'deliver' | 'cancel'>

/** Placing orders, their life, and their history. */
export function orderRoutes(orders: OrderService): Routes {
  return (app) => {
    app.post(
      '/v1/orders',
      {
        config: { scope: 'orders', idempotency: 'required' },
        schema: {
          operationId: 'placeOrder',
          summary: 'Place an order',
          description: 'Copies prices and address into the order and reserves its units, all or nothing.',
          tags: ['orders'],
          body: PlaceOrder,
          response: { 201: OrderDocument, ...problems },
        },
      },
      async (request, reply) => {
        const order = await orders.place(request.body, commandContext(request, reply))
        return reply.code(201).send(versioned(reply, order))
      },
    )
    app.get(
      '/v1/orders',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'listOrders',
          summary: 'List orders, newest first',
          tags: ['orders'],
          querystring: Type.Object({ ...ListOrders.properties, ...PageQuery }, { additionalProperties: false }),
          response: { 200: OrderPage, ...problems },
        },
      },
      async ({ query: { limit, cursor, ...filter } }) => orders.list(filter, { limit, cursor }),
    )
    app.get(
      '/v1/orders/:order_id',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'getOrder',
          summary: 'Read an order as it is, or as it was',
          tags: ['orders'],
          params: OrderParams,
          querystring: Type.Object(
            {
              as_of: Type.Optional(
                Type.String({
                  maxLength: 40,
                  description: 'A version, or a time (RFC 3339): the order as it was then, replayed from its history',
                  examples: ['2'],
                }),
              ),
            },
            { additionalProperties: false },
          ),
          response: { 200: OrderDocument, ...problems },
        },
      },
      async (request, reply) => {
        const { as_of: asOf } = request.query
        const order = await orders.get(request.params.order_id, { asOf })
        return asOf === undefined ? versioned(reply, order) : order
      },
    )
    app.get(
      '/v1/orders/:order_id/history',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'orderHistory',
          summary: 'List what happened to an order',
          tags: ['orders'],
          params: OrderParams,
          querystring: Type.Object(PageQuery, { additionalProperties: false }),
          response: { 200: HistoryPage, ...problems },
        },
      },
      async ({ params, query }) => orders.history(params.order_id, query),
    )
    command(app, { name: 'ship', summary: 'Ship a paid order', body: ShipOrder, run: orders.ship })
    command(app, {
      name: 'deliver',
      summary: 'Mark a shipped order as delivered',
      body: DeliverOrder,
      run: orders.deliver,
    })
    command(app, {
      name: 'cancel',
      summary: 'Cancel an order that is not shipped yet; its stock is freed, its money given back',
      body: CancelOrder,
      run: orders.cancel,
    })
  }
}

interface Command<Schema extends Type.TSchema> {
  readonly name: 'ship' | 'deliver' | 'cancel'
  readonly summary: string
  readonly body: Schema
  run(orderId: string, input: Type.Static<Schema>, context: CommandContext): Promise<OrderDocument>
}

/** `POST /v1/orders/{id}/<name>`: every command on an order answers the order as it is then. */
function command<Schema extends Type.TSchema>(app: HttpApp, { name, summary, body, run }: Command<Schema>): void {
  app.post(
    `/v1/orders/:order_id/${name}`,
    {
      config: { scope: 'orders', idempotency: 'required' },
      schema: {
        operationId: `${name}Order`,
        summary,
        tags: ['orders'],
        params: OrderParams,
        body: body as Type.TSchema,
        response: { 200: OrderDocument, ...problems },
      },
    },
    async (request, reply) => {
      const { order_id } = request.params as Type.Static<typeof OrderParams>
      const input = request.body as Type.Static<Schema>
      return versioned(reply, await run(order_id, input, commandContext(request, reply)))
    },
  )
}
