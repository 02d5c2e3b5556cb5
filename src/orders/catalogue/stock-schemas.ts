import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { externalId, name, page, strict, time, units } from '../fields.ts'
import { RESERVATION_STATUSES } from '../ports/stock.ts'

/** The documents of locations, stock and cart holds. */
export const PutLocation = Type.Object(
  {
    name: name('What it is called', 'Warehouse East'),
    priority: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      description: 'Orders take their units from the smallest that has enough',
      examples: [10],
    }),
    active: Type.Boolean({ description: 'Whether orders take units from it' }),
  },
  { ...strict, title: 'PutLocation' },
)
export type PutLocation = Static<typeof PutLocation>

export const LocationDocument = Type.Object(
  {
    location_id: Type.String({ description: 'The id' }),
    name: Type.String({ description: 'What it is called' }),
    priority: Type.Integer({ description: 'Smaller comes first' }),
    active: Type.Boolean({ description: 'Whether orders take units from it' }),
    created_at: time('When it was made'),
  },
  { title: 'Location', description: 'A place that goods are sent from' },
)
export type LocationDocument = Static<typeof LocationDocument>

export const LocationList = Type.Object(
  { items: Type.Array(LocationDocument) },
  { title: 'LocationList', description: 'All locations, by priority' },
)
export type LocationList = Static<typeof LocationList>

const stockLocation = Type.Optional(externalId('The location; main unless given', 'main'))

export const SetStock = Type.Object(
  {
    on_hand: units('Units on hand, those reserved by orders and cart holds included', LIMITS.stockMax),
    location_id: stockLocation,
  },
  strict,
)
export type SetStock = Static<typeof SetStock>

const figures = {
  on_hand: Type.Integer({ description: 'Units on hand' }),
  reserved: Type.Integer({ description: 'Units that open orders and cart holds have taken' }),
  available: Type.Integer({ description: 'Units that can be ordered: on_hand - reserved' }),
}

export const StockDocument = Type.Object(
  {
    product_id: Type.String({ description: 'The product' }),
    ...figures,
    locations: Type.Array(Type.Object({ location_id: Type.String({ description: 'The location' }), ...figures }), {
      description: 'The same by location, by id',
    }),
  },
  { title: 'Stock', description: 'The stock of a product: all locations, and their sum' },
)
export type StockDocument = Static<typeof StockDocument>

export const StockMoveDocument = Type.Object(
  {
    location_id: Type.String({ description: 'The location' }),
    kind: Type.Enum(['adjust', 'hold', 'unhold', 'reserve', 'release', 'ship', 'return'], {
      description: 'What happened: set by hand; taken or given back by a cart hold; by an order',
    }),
    on_hand_delta: Type.Integer({ description: 'What it changed of the units on hand' }),
    reserved_delta: Type.Integer({ description: 'What it changed of the units reserved' }),
    source_id: Type.String({
      description: 'The order or the reservation that did it; of an adjustment an id of its own',
    }),
    source_version: Type.Integer({ description: 'The version of the order; 1 and 2 of a reservation; 0 by hand' }),
    actor: Type.String({ description: 'Who did it' }),
    moved_at: time('When'),
  },
  { title: 'StockMove', description: 'A change of the stock of a product' },
)
export type StockMoveDocument = Static<typeof StockMoveDocument>

export const StockMovePage = page(StockMoveDocument, 'Changes of the stock, newest source first')

export const ReserveItems = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          product_id: externalId('What is held', 'camera-7'),
          quantity: units('How many', LIMITS.quantityMax, 1),
          location_id: Type.Optional(externalId('From where; the first location that has enough unless given', 'main')),
        },
        strict,
      ),
      { minItems: 1, maxItems: LIMITS.reservationItemsMax, description: 'All of them are held, or none' },
    ),
    expires_in_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.reservationSecondsMax,
        description: `How long they are held; ${LIMITS.reservationSecondsDefault} seconds unless given`,
        examples: [900],
      }),
    ),
  },
  { ...strict, title: 'ReserveItems' },
)
export type ReserveItems = Static<typeof ReserveItems>

export const ReservationDocument = Type.Object(
  {
    reservation_id: Type.String({ description: 'The id', examples: ['2170815209472004096'] }),
    status: Type.Enum([...RESERVATION_STATUSES], {
      description: 'Whether its units are still held, or where they went',
    }),
    items: Type.Array(
      Type.Object({
        product_id: Type.String({ description: 'The product' }),
        location_id: Type.String({ description: 'From where' }),
        quantity: Type.Integer({ description: 'Units' }),
      }),
    ),
    order_id: Type.Optional(Type.String({ description: 'The order that took them' })),
    created_at: time('When it was made'),
    expires_at: time('Until when the units are held'),
  },
  { title: 'Reservation', description: 'Units held for a cart' },
)
export type ReservationDocument = Static<typeof ReservationDocument>
