import type { Clock } from '../../core/clock.ts'
import { AppError, invalidField } from '../../core/errors.ts'
import type { HeldItem, Location, StockLevel, StockStore } from '../ports.ts'
import { createVersionedCache } from './cache.ts'
import { type LocatedItem, mergeItems, type RequestedItem } from './pricing.ts'

/**
 * Decides from where the units of an item come. It looks at levels that may be a moment old; the statement that takes
 * the units refuses what is not there, and then it looks again.
 */
export interface Locator {
  /**
   * Gives each item a location: the one it names, else one where `held` has units of it, else the first active one by
   * priority that has enough. Throws `location_not_found`, `invalid_input`, and `insufficient_stock` with the largest
   * number available anywhere when no location has enough.
   * Several items may get one location; pricing puts them together.
   */
  locate(items: readonly RequestedItem[], held: readonly HeldItem[]): Promise<LocatedItem[]>
  /**
   * For items of which the location of this product was found short: whether another may have it, so that it is worth
   * locating them again.
   */
  mayBeElsewhere(items: readonly RequestedItem[], productId: string): Promise<boolean>
  /** The levels of these products have changed. */
  forget(productIds: readonly string[]): void
  /** A location has changed. */
  forgetLocations(): void
}

/** How old levels and locations may be, in milliseconds: what other processes change shows after it at the latest. */
const FRESH_MS = 1_000

interface ProductLevels {
  readonly productId: string
  readonly levels: readonly StockLevel[]
  readonly readAtMs: number
}

export function insufficientStock(
  item: RequestedItem,
  available: number,
  where: { readonly location_id?: string } = {},
): AppError {
  const { product_id, quantity } = item
  const at = where.location_id === undefined ? '' : ` at ${where.location_id}`
  return new AppError('insufficient_stock', `Product ${product_id}: ${quantity} ordered, ${available} available${at}`, {
    data: { product_id, requested: quantity, available, ...where },
  })
}

const placeOf = (all: readonly Location[], locationId: string) =>
  all.find((location) => location.locationId === locationId)

const unitsHeld = (held: readonly HeldItem[], productId: string, locationId: string) =>
  held.find((item) => item.productId === productId && item.locationId === locationId)?.quantity ?? 0

export function createLocator({ locations, levels }: Pick<StockStore, 'locations' | 'levels'>, clock: Clock): Locator {
  const known = createVersionedCache<ProductLevels>(
    async (productIds) => {
      const readAtMs = clock.now()
      const found = new Map<string, StockLevel[]>(productIds.map((id) => [id, []]))
      for (const level of await levels(productIds)) found.get(level.productId)?.push(level)
      return [...found].map(([productId, own]) => ({ productId, levels: own, readAtMs }))
    },
    (product) => product.productId,
  )
  let places: { readonly all: Promise<readonly Location[]>; readonly readAtMs: number } | undefined

  function allLocations(): Promise<readonly Location[]> {
    const now = clock.now()
    if (places === undefined || now - places.readAtMs > FRESH_MS) {
      const mine = { all: locations(), readAtMs: now }
      places = mine
      // One failure is not everybody's for a second.
      mine.all.catch(() => {
        if (places === mine) places = undefined
      })
    }
    return places.all
  }

  /** All locations, read anew when one that is named was not in use a moment ago. */
  async function locationsFor(items: readonly RequestedItem[]): Promise<readonly Location[]> {
    const all = await allLocations()
    const strange = items.some(({ location_id: id }) => id !== undefined && placeOf(all, id)?.active !== true)
    if (!strange) return all
    places = undefined
    return allLocations()
  }

  async function levelsOf(productId: string): Promise<ProductLevels> {
    const found = (await known.load([productId])).get(productId)!
    if (clock.now() - found.readAtMs <= FRESH_MS) return found
    known.forget([productId])
    return (await known.load([productId])).get(productId)!
  }

  /** The first location that has enough; else the most that one has. */
  function choose(
    item: RequestedItem,
    candidates: readonly string[],
    { levels: own }: ProductLevels,
    held: readonly HeldItem[],
  ) {
    let most = 0
    for (const locationId of candidates) {
      const level = own.find((other) => other.locationId === locationId)
      const free = level === undefined ? 0 : level.onHand - level.reserved
      const available = free + unitsHeld(held, item.product_id, locationId)
      if (available >= item.quantity) return locationId
      most = Math.max(most, available)
    }
    return most
  }

  async function locationFor(
    item: RequestedItem,
    all: readonly Location[],
    held: readonly HeldItem[],
  ): Promise<string> {
    if (item.location_id !== undefined) return checked(item.location_id, all)
    const active = all.filter((location) => location.active).map((location) => location.locationId)
    const holding = held.filter((other) => other.productId === item.product_id).map((other) => other.locationId)
    const candidates = [...new Set([...holding, ...active])]
    if (candidates.length === 0) throw new AppError('location_not_found', 'There is no active location')
    // With one place there is nothing to choose, so nothing is read.
    if (candidates.length === 1) return candidates[0]!
    const chosen = choose(item, candidates, await levelsOf(item.product_id), held)
    if (typeof chosen === 'string') return chosen
    known.forget([item.product_id])
    const again = choose(item, candidates, await levelsOf(item.product_id), held)
    if (typeof again === 'string') return again
    throw insufficientStock(item, again)
  }

  return {
    async locate(items, held) {
      const all = await locationsFor(items)
      const only = held.length === 0 ? onlyPlace(items, all) : undefined
      if (only !== undefined) return items.map((item) => ({ ...item, location_id: only }))
      const merged = mergeItems(items)
      const chosen = await Promise.all(merged.map((item) => locationFor(item, all, held)))
      return merged.map((item, index) => ({ ...item, location_id: chosen[index]! }))
    },
    async mayBeElsewhere(items, productId) {
      const free = items.some((item) => item.product_id === productId && item.location_id === undefined)
      if (!free || (await allLocations()).filter((location) => location.active).length < 2) return false
      known.forget([productId])
      return true
    },
    forget: known.forget,
    forgetLocations() {
      places = undefined
    },
  }
}

/** The one place there is, for items that name none: then there is nothing to choose. */
function onlyPlace(items: readonly RequestedItem[], all: readonly Location[]): string | undefined {
  const active = all.filter((location) => location.active)
  const isFree = items.every((item) => item.location_id === undefined)
  return active.length === 1 && isFree ? active[0]!.locationId : undefined
}

function checked(locationId: string, all: readonly Location[]): string {
  const location = placeOf(all, locationId)
  if (location === undefined) throw new AppError('location_not_found', `No location ${locationId}`)
  if (!location.active) throw invalidField('/location_id', `location ${locationId} is not active`)
  return locationId
}
