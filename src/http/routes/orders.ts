import Type from 'typebox'
import type { CommandContext } from '../../core/command.ts'
import type { Orders } from '../../orders/orders.ts'
import {
  CancelOrder,
  ChangeShipment,
  ChangeShippingAddress,
  DeliverOrder,
  EditOrder,
  HistoryPage,
  ListOrders,
  OrderCheck,
  OrderDocument,
  OrderPage,
  PlaceOrder,
  ReturnItems,
  ShipOrder,
} from '../../orders/schemas.ts'
import { commandContext, type HttpApp, pagedQuery, problems, type Routes, versioned } from '../route.ts'

const OrderParams = Type.Object({ order_id: Type.String({ maxLength: 100, description: 'The order' }) })

const ShipmentParams = Type.Object({
  ...OrderParams.properties,
  shipment_no: Type.String({
    pattern: '^[1-9]\\d{0,5}$',
    errorMessage: 'must be the number of a shipment, counted from 1',
    description: 'The shipment, counted from 1',
    examples: ['1'],
  }),
})

type OrderService = Pick<
  Orders,
  | 'place'
  | 'get'
  | 'checkOrder'
  | 'list'
  | 'history'
  | 'ship'
  | 'changeShipment'
  | 'deliver'
  | 'cancel'
  | 'returnItems'
  | 'edit'
  | 'changeShippingAddress'
>

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
          querystring: pagedQuery(ListOrders.properties),
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
          description: 'As it is now, with the `actions` that its state allows.',
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
              version: Type.Optional(
                Type.Integer({
                  minimum: 1,
                  description: 'The order after this entry of its history, from 1 to its newest; not with as_of',
                  examples: [2],
                }),
              ),
            },
            { additionalProperties: false },
          ),
          response: { 200: OrderDocument, ...problems },
        },
      },
      async (request, reply) => {
        const { as_of: asOf, version } = request.query
        const order = await orders.get(request.params.order_id, { asOf, version, actions: true })
        return asOf === undefined && version === undefined ? versioned(reply, order) : order
      },
    )
    app.get(
      '/v1/orders/:order_id/proof',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'checkOrder',
          summary: 'Check that an order is what its history says',
          description:
            'Verifies the chain of hashes of its history, replays it, and compares the end with what is stored, as of one moment: the part of `fanfold verify orders` that goes order by order.',
          tags: ['orders'],
          params: OrderParams,
          response: { 200: OrderCheck, ...problems },
        },
      },
      async ({ params }) => orders.checkOrder(params.order_id),
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
          querystring: pagedQuery(),
          response: { 200: HistoryPage, ...problems },
        },
      },
      async ({ params, query }) => orders.history(params.order_id, query),
    )
    lifecycle(app, orders)
  }
}

function lifecycle(app: HttpApp, orders: OrderService): void {
  command(app, {
    path: 'ship',
    operationId: 'shipOrder',
    summary: 'Ship a paid order, or a part of it',
    body: ShipOrder,
    run: orders.ship,
  })
  command(app, {
    path: 'deliver',
    operationId: 'deliverOrder',
    summary: 'Mark a shipment, or the whole order, as delivered',
    body: DeliverOrder,
    run: orders.deliver,
  })
  command(app, {
    path: 'cancel',
    operationId: 'cancelOrder',
    summary: 'Cancel an order, or units that are not shipped yet; stock is freed, money given back',
    body: CancelOrder,
    run: orders.cancel,
  })
  command(app, {
    path: 'returns',
    operationId: 'returnItems',
    summary: 'Take shipped units back; money is given back',
    body: ReturnItems,
    run: orders.returnItems,
  })
  command(app, {
    path: 'edits',
    operationId: 'editOrder',
    summary: 'Add lines and remove units before anything is shipped',
    body: EditOrder,
    run: orders.edit,
  })
  app.put(
    '/v1/orders/:order_id/shipping-address',
    {
      config: { scope: 'orders', idempotency: 'optional' },
      schema: {
        operationId: 'changeShippingAddress',
        summary: 'Send an order elsewhere before anything is shipped',
        tags: ['orders'],
        params: OrderParams,
        body: ChangeShippingAddress,
        response: { 200: OrderDocument, ...problems },
      },
    },
    async (request, reply) => {
      const { order_id: id } = request.params
      return versioned(reply, await orders.changeShippingAddress(id, request.body, commandContext(request, reply)))
    },
  )
  app.patch(
    '/v1/orders/:order_id/shipments/:shipment_no',
    {
      config: { scope: 'orders', idempotency: 'optional' },
      schema: {
        operationId: 'changeShipment',
        summary: 'Say who brings a shipment and how it can be followed',
        tags: ['orders'],
        params: ShipmentParams,
        body: ChangeShipment,
        response: { 200: OrderDocument, ...problems },
      },
    },
    async (request, reply) => {
      const { order_id: id, shipment_no: shipmentNo } = request.params
      const context = commandContext(request, reply)
      return versioned(reply, await orders.changeShipment(id, Number(shipmentNo), request.body, context))
    },
  )
}

interface Command<Schema extends Type.TSchema> {
  readonly path: 'ship' | 'deliver' | 'cancel' | 'returns' | 'edits'
  readonly operationId: string
  readonly summary: string
  readonly body: Schema
  run(orderId: string, input: Type.Static<Schema>, context: CommandContext): Promise<OrderDocument>
}

/** `POST /v1/orders/{id}/<path>`: every command on an order answers the order as it is then. */
function command<Schema extends Type.TSchema>(app: HttpApp, options: Command<Schema>): void {
  const { path, operationId, summary, body, run } = options
  app.post(
    `/v1/orders/:order_id/${path}`,
    {
      config: { scope: 'orders', idempotency: 'required' },
      schema: {
        operationId,
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
