/** Units of a product at a location, locked. */
export interface LockedLevel {
  readonly product_id: string
  readonly location_id: string
  readonly on_hand: bigint
  readonly reserved: bigint
}

/** What an item of a batch wants of a product at a location; `held` is what it has reserved of it already. */
export interface Asked {
  readonly item: number
  readonly lineNo: number
  readonly productId: string
  readonly locationId: string
  readonly quantity: number
  readonly held: number
}

/** This asks for more than all there is. */
export interface ShortOf {
  readonly productId: string
  readonly locationId: string
  readonly requested: number
  readonly available: number
}

export interface Shared {
  /** By item: the first of its lines that is short. */
  readonly short: ReadonlyMap<number, ShortOf>
  /** Items whose products suffice for them and everybody before them; the rest tries again in the next batch. */
  readonly fits: ReadonlySet<number>
}

export const placeOf = (productId: string, locationId: string): string => `${productId}\n${locationId}`

/** What is free at each {@link placeOf}. */
export function freeOf(locked: readonly LockedLevel[]): Map<string, number> {
  return new Map(
    locked.map((row) => [placeOf(row.product_id, row.location_id), Number(row.on_hand) - Number(row.reserved)]),
  )
}

/**
 * How a batch shares what is in stock, for orders, edits and cart holds alike, in the order of its items. Who comes before
 * somebody may himself be refused for another product, so who does not fit behind him is not refused, but comes again.
 */
export function shareStock(asked: readonly Asked[], free: ReadonlyMap<string, number>): Shared {
  const inOrder = [...asked].sort((a, b) => a.item - b.item || a.lineNo - b.lineNo)
  const short = new Map<number, ShortOf>()
  for (const { item, productId, locationId, quantity, held } of inOrder) {
    const available = free.get(placeOf(productId, locationId)) ?? 0
    if (quantity - held <= available || short.has(item)) continue
    short.set(item, { productId, locationId, requested: quantity, available: available + held })
  }
  const fits = new Set<number>()
  const late = new Set<number>()
  const soFar = new Map<string, number>()
  for (const { item, productId, locationId, quantity, held } of inOrder) {
    if (short.has(item)) continue
    fits.add(item)
    const place = placeOf(productId, locationId)
    const need = Math.max(quantity - held, 0)
    const taken = (soFar.get(place) ?? 0) + need
    soFar.set(place, taken)
    if (need > 0 && taken > (free.get(place) ?? 0)) late.add(item)
  }
  for (const item of late) fits.delete(item)
  return { short, fits }
}
