import type { Clock } from '../../core/clock.ts'
import { type CommandContext, idempotencyKeyOf } from '../../core/command.ts'
import {
  cursorId,
  cursorNumber,
  decodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  pageOf,
} from '../../core/cursor.ts'
import { AppError, invalidField } from '../../core/errors.ts'
import { type IdMaker, parseId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import { validator } from '../../core/schema.ts'
import { externalId } from '../fields.ts'
import { replayOf } from '../lifecycle/keys.ts'
import { insufficientStock } from '../placing/locator.ts'
import { checkSold, type LocatedItem, mergeItems } from '../placing/pricing.ts'
import { inDoubtAgain, type Sources } from '../placing/sources.ts'
import {
  type HeldItem,
  MAIN_LOCATION,
  type OrderStore,
  type Reservation,
  type StockPosition,
  type StockStore,
} from '../ports.ts'
import { originOf, productNotFound } from './catalogue.ts'
import { locationDocument, moveDocument, reservationDocument, stockDocument } from './stock-documents.ts'
import {
  type LocationDocument,
  type LocationList,
  PutLocation,
  type ReservationDocument,
  ReserveItems,
  SetStock,
  type StockDocument,
  type StockMoveDocument,
} from './stock-schemas.ts'

const checkLocationId = validator(externalId('The location', 'main'), 'params')
const checkLocation = validator(PutLocation)
const checkStock = validator(SetStock)
const checkReserve = validator(ReserveItems)

export interface StockDeps {
  readonly stock: StockStore
  readonly orders: OrderStore
  readonly sources: Sources
  readonly ids: IdMaker
  readonly clock: Clock
}

function movePosition(cursor: readonly string[] | undefined): StockPosition | undefined {
  if (cursor === undefined) return undefined
  return { sourceId: cursorId(cursor[0]!), version: cursorNumber(cursor[1]!), locationId: cursor[2]! }
}

const heldItem = ({ product_id, location_id, quantity }: LocatedItem): HeldItem => {
  return { productId: product_id, locationId: location_id, quantity }
}

const placeOf = ({ productId, locationId }: HeldItem) => `${productId}\n${locationId}`
const byPlace = (a: HeldItem, b: HeldItem) => (placeOf(a) < placeOf(b) ? -1 : 1)

/** Where units lie, how many, and those that are held for carts. */
export function createStock({ stock, orders, sources, ids, clock }: StockDeps) {
  const { products, locator } = sources

  async function levelsOf(productId: string): Promise<StockDocument> {
    const levels = await stock.levels([productId])
    if (levels.length === 0) throw productNotFound(productId)
    return stockDocument(productId, levels)
  }

  function reservationIdOf(text: string): bigint {
    const id = parseId(text)
    if (id === undefined) throw new AppError('reservation_not_found', `No reservation ${text}`)
    return id
  }

  function shown(id: string, reservation: Reservation | undefined): ReservationDocument {
    if (reservation === undefined) throw new AppError('reservation_not_found', `No reservation ${id}`)
    return reservationDocument(reservation, clock.now())
  }

  async function hold(
    { items, expires_in_seconds: seconds = LIMITS.reservationSecondsDefault }: ReserveItems,
    origin: ReturnType<typeof originOf>,
  ) {
    const deadline = clock.now() + LIMITS.commandMsMax
    for (;;) {
      await inDoubtAgain(sources, items, async () => {
        checkSold(items, await products.load(items.map((item) => item.product_id)))
      })
      const located = await locator.locate(items, [])
      const now = clock.now()
      const reservation: Reservation = {
        reservationId: ids.next(0),
        status: 'held',
        items: mergeItems(located).map(heldItem).sort(byPlace),
        createdAtMs: now,
        expiresAtMs: now + seconds * 1_000,
        orderId: undefined,
      }
      const outcome = await stock.hold(reservation, origin, (made) => reservationDocument(made, now))
      if (outcome.kind === 'held') return outcome
      const { productId: product_id, quantity, locationId: location_id } = outcome.item
      const again = clock.now() <= deadline && (await locator.mayBeElsewhere(items, product_id))
      if (!again) throw insufficientStock({ product_id, quantity }, outcome.available, { location_id })
    }
  }

  return {
    /** Makes a location, or changes the one of this id. Throws `invalid_input`, also for one too many. */
    async putLocation(locationId: string, input: PutLocation): Promise<LocationDocument> {
      const { name, priority, active } = checkLocation(input)
      const id = checkLocationId(locationId)
      const known = await stock.locations()
      if (known.length >= LIMITS.locationsMax && !known.some((location) => location.locationId === id)) {
        throw invalidField('params/location_id', `there are ${LIMITS.locationsMax} locations, the most there can be`)
      }
      const location = await stock.putLocation({ locationId: id, name, priority, active, createdAtMs: clock.now() })
      locator.forgetLocations()
      return locationDocument(location)
    },

    /** All of them, by priority. */
    async listLocations(): Promise<LocationList> {
      return { items: (await stock.locations()).map(locationDocument) }
    },

    /** The stock of a product, at all locations and in all. Throws `product_not_found`. */
    getStock: levelsOf,

    /**
     * Sets the units on hand at one location, as counted there: those that are reserved are part of them. Answers the
     * stock at all locations. Throws `invalid_input`, `product_not_found`, `location_not_found`, and
     * `insufficient_stock` for fewer than are reserved.
     */
    async setStock(productId: string, input: SetStock, context: CommandContext = {}): Promise<StockDocument> {
      const { on_hand: onHand, location_id: locationId = MAIN_LOCATION } = checkStock(input)
      const outcome = await stock.setOnHand(productId, locationId, onHand, originOf(context, clock))
      if (outcome === undefined) throw productNotFound(productId)
      const { kind, level } = outcome
      if (kind === 'reserved') {
        throw new AppError(
          'insufficient_stock',
          `Orders and cart holds have ${level.reserved} of product ${productId}, so ${onHand} on hand are too few`,
          {
            data: { product_id: productId, location_id: locationId, requested: onHand, reserved: level.reserved },
          },
        )
      }
      locator.forget([productId])
      return levelsOf(productId)
    },

    /** Every change of a product's stock, newest source first. Throws `product_not_found`, `invalid_cursor`. */
    async listStockMoves(productId: string, page: PageRequest = {}): Promise<Page<StockMoveDocument>> {
      const list = `moves ${productId}`
      const limit = pageLimit(page.limit)
      const before = movePosition(decodeCursor(list, 3, page.cursor))
      const rows = await stock.moves(productId, before, limit + 1)
      if (rows.length === 0) await levelsOf(productId)
      return pageOf(list, rows, limit, (row) => [row.sourceId, String(row.version), row.locationId], moveDocument)
    },

    /**
     * Holds units for a cart, all or nothing, for `expires_in_seconds`. Repeatable by `idempotencyKey`. Throws
     * `invalid_input`, `product_not_found`, `product_inactive`, `location_not_found`, `insufficient_stock` (with
     * `product_id`, `requested`, `available`), `idempotency_key_reused`, `write_contention`, `overloaded`.
     */
    async reserve(input: ReserveItems, context: CommandContext = {}): Promise<ReservationDocument> {
      const request = checkReserve(input)
      const key = idempotencyKeyOf(context, 'ReserveItems', request)
      try {
        const { body, replayed } = await hold(request, originOf(context, clock, key))
        if (replayed) context.onReplay?.()
        return body
      } catch (error) {
        // What was held is held, also when it could not be any more: the key is asked before the rules.
        const shard = orders.shardFor(key)
        const earlier = await replayOf<ReservationDocument>(orders, shard, key, context, clock)
        if (earlier !== undefined) return earlier
        throw error
      }
    },

    /** A cart hold as it is. Throws `reservation_not_found`. */
    async getReservation(id: string): Promise<ReservationDocument> {
      return shown(id, await stock.reservation(reservationIdOf(id)))
    },

    /**
     * Gives the units of a cart hold back, if they are still held; answers what became of it. Repeatable.
     * Throws `reservation_not_found`.
     */
    async releaseReservation(id: string, context: CommandContext = {}): Promise<ReservationDocument> {
      const released = await stock.release(reservationIdOf(id), originOf(context, clock))
      const document = shown(id, released)
      locator.forget(document.items.map((item) => item.product_id))
      return document
    },

    /**
     * Gives back the units of cart holds whose time is over; answers how many holds there were. The workers do this all
     * the time, in as many processes as there are.
     */
    async expireReservations(): Promise<number> {
      let all = 0
      for (;;) {
        const expired = await stock.expire(clock.now(), LIMITS.reservationExpiryMax)
        all += expired
        if (expired < LIMITS.reservationExpiryMax) return all
      }
    },
  }
}
