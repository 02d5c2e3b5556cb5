import Type from 'typebox'
import type { Orders } from '../../orders/orders.ts'
import {
  LocationDocument,
  LocationList,
  PutLocation,
  ReservationDocument,
  ReserveItems,
  SetStock,
  StockDocument,
  StockMovePage,
} from '../../orders/schemas.ts'
import { commandContext, pagedQuery, problems, type Routes } from '../route.ts'

const ProductParams = Type.Object({ product_id: Type.String({ maxLength: 100, description: 'The product' }) })
const LocationParams = Type.Object({ location_id: Type.String({ maxLength: 100, description: 'The location' }) })
const ReservationParams = Type.Object({ reservation_id: Type.String({ maxLength: 100, description: 'The cart hold' }) })

type StockService = Pick<
  Orders,
  | 'putLocation'
  | 'listLocations'
  | 'getStock'
  | 'setStock'
  | 'listStockMoves'
  | 'reserve'
  | 'getReservation'
  | 'releaseReservation'
>

/** Locations, the stock of products at each, and cart holds. */
export function stockRoutes(orders: StockService): Routes {
  return (app) => {
    levelRoutes(orders)(app)
    reservationRoutes(orders)(app)
  }
}

function levelRoutes(orders: StockService): Routes {
  return (app) => {
    app.put(
      '/v1/locations/:location_id',
      {
        config: { scope: 'orders' },
        schema: {
          operationId: 'putLocation',
          summary: 'Add a location, or change it',
          tags: ['orders'],
          params: LocationParams,
          body: PutLocation,
          response: { 200: LocationDocument, ...problems },
        },
      },
      async ({ params, body }) => orders.putLocation(params.location_id, body),
    )
    app.get(
      '/v1/locations',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'listLocations',
          summary: 'List all locations, by priority',
          tags: ['orders'],
          response: { 200: LocationList, ...problems },
        },
      },
      async () => orders.listLocations(),
    )
    app.get(
      '/v1/products/:product_id/stock',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'getStock',
          summary: 'Read the stock of a product, at all locations and in all',
          tags: ['orders'],
          params: ProductParams,
          response: { 200: StockDocument, ...problems },
        },
      },
      async ({ params }) => orders.getStock(params.product_id),
    )
    app.put(
      '/v1/products/:product_id/stock',
      {
        config: { scope: 'orders' },
        schema: {
          operationId: 'setStock',
          summary: 'Set the units on hand at a location',
          tags: ['orders'],
          params: ProductParams,
          body: SetStock,
          response: { 200: StockDocument, ...problems },
        },
      },
      async (request, reply) =>
        orders.setStock(request.params.product_id, request.body, commandContext(request, reply)),
    )
    app.get(
      '/v1/products/:product_id/stock/moves',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'listStockMoves',
          summary: 'List every change of the stock of a product, newest source first',
          tags: ['orders'],
          params: ProductParams,
          querystring: pagedQuery(),
          response: { 200: StockMovePage, ...problems },
        },
      },
      async ({ params, query }) => orders.listStockMoves(params.product_id, query),
    )
  }
}

function reservationRoutes(orders: StockService): Routes {
  return (app) => {
    app.post(
      '/v1/reservations',
      {
        config: { scope: 'orders', idempotency: 'required' },
        schema: {
          operationId: 'reserveItems',
          summary: 'Hold units for a cart, all or nothing',
          description: 'They are given back when the time is over, unless an order with reservation_id takes them.',
          tags: ['orders'],
          body: ReserveItems,
          response: { 201: ReservationDocument, ...problems },
        },
      },
      async (request, reply) => {
        const reservation = await orders.reserve(request.body, commandContext(request, reply))
        return reply.code(201).send(reservation)
      },
    )
    app.get(
      '/v1/reservations/:reservation_id',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'getReservation',
          summary: 'Read a cart hold',
          tags: ['orders'],
          params: ReservationParams,
          response: { 200: ReservationDocument, ...problems },
        },
      },
      async ({ params }) => orders.getReservation(params.reservation_id),
    )
    app.delete(
      '/v1/reservations/:reservation_id',
      {
        config: { scope: 'orders' },
        schema: {
          operationId: 'releaseReservation',
          summary: 'Give the units of a cart hold back; answers what became of it',
          tags: ['orders'],
          params: ReservationParams,
          response: { 200: ReservationDocument, ...problems },
        },
      },
      async (request, reply) =>
        orders.releaseReservation(request.params.reservation_id, commandContext(request, reply)),
    )
  }
}
