import type { Random } from './random.ts'
import type { MadeCustomer, MadeProduct, Shop } from './shop.ts'
import type { WorldSize } from './size.ts'
import { CATEGORIES } from './words.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const YEAR_DAYS = 365
/** Orders of the past that came from elsewhere end so long ago. */
const IMPORTED_UNTIL_DAYS = 21

export interface Basket {
  readonly customer: MadeCustomer
  readonly items: readonly { readonly product: MadeProduct; readonly quantity: number }[]
  /** In percent; none unless there. */
  readonly discount?: number
  readonly giftWrap: boolean
}

/** An order that was paid and delivered before there was a Fanfold. */
export interface ImportedSale extends Basket {
  readonly orderNumber: string
  readonly agoMs: number
}

export const FATES = [
  ...(['delivered', 'cancelled', 'cancelled_unpaid', 'two_parcels', 'returned', 'part_cancelled'] as const),
  ...(['edited', 'moved', 'abandoned'] as const),
] as const
export type Fate = (typeof FATES)[number]
const FATE_WEIGHTS = [60, 6, 4, 9, 8, 4, 3, 2, 4]

/** An order that lives here. What lies after now has not happened yet. */
export interface LivingSale extends Basket {
  readonly key: string
  readonly agoMs: number
  readonly fate: Fate
  readonly paysAfterMs: number
  readonly shipsAfterMs: number
  readonly arrivesAfterMs: number
  readonly returnsAfterMs: number
}

export interface Sales {
  readonly imported: readonly ImportedSale[]
  /** Oldest first. */
  readonly living: readonly LivingSale[]
}

/** How much is sold on a day, against an average one: growth over the year, weekdays, the weeks before Christmas. */
export function demandOn(atMs: number, agoDays: number): number {
  const day = new Date(atMs)
  const growth = 0.75 + 0.5 * (1 - agoDays / YEAR_DAYS)
  const weekday = [0.8, 1.15, 1.05, 1, 1, 1.1, 0.9][day.getUTCDay()]!
  const [month, date] = [day.getUTCMonth(), day.getUTCDate()]
  const season = month === 11 && date < 24 ? 2.2 : month === 10 && date > 20 ? 1.8 : month === 1 ? 0.8 : 1
  return growth * weekday * season
}

export function makeBasket({ products, customers }: Shop, atMs: number, random: Random): Basket {
  const month = new Date(atMs).getUTCMonth() + 1
  const weights = CATEGORIES.map(({ weight, season }) => weight * (season === month ? 1.8 : 1))
  const chosen = new Map<MadeProduct, number>()
  const lines = random.weighted([1, 2, 3, 4], [55, 27, 12, 6])
  for (let line = 0; line < lines; line++) {
    const { name } = random.weighted(CATEGORIES, weights)
    const shelf = products.filter(({ category }) => category === name)
    if (shelf.length === 0) continue
    const product = random.weighted(
      shelf,
      shelf.map(({ weight }) => weight),
    )
    chosen.set(product, random.weighted([1, 2, 3, 5], [76, 16, 6, 2]))
  }
  if (chosen.size === 0) chosen.set(random.pick(products), 1)
  return {
    customer: customers[random.rank(customers.length, 1.7)]!,
    items: [...chosen].map(([product, quantity]) => ({ product, quantity })),
    ...(random.chance(0.14) ? { discount: random.pick([5, 10, 15, 20]) } : {}),
    giftWrap: random.chance(month === 12 ? 0.12 : 0.03),
  }
}

/** Moments of the past, as many on each day as its demand says. */
function moments(count: number, fromDays: number, toDays: number, nowMs: number, random: Random): number[] {
  const days = Array.from({ length: fromDays - toDays }, (_, index) => toDays + index)
  const weights = days.map((agoDays) => demandOn(nowMs - agoDays * DAY_MS, agoDays))
  return Array.from({ length: count }, () => {
    const day = random.weighted(days, weights)
    return day * DAY_MS + random.int(10 * 60_000, DAY_MS - 1)
  }).sort((a, b) => b - a)
}

function makeLiving(shop: Shop, key: string, agoMs: number, nowMs: number, random: Random): LivingSale {
  const shipsAfterMs = random.int(8, 60) * HOUR_MS
  const arrivesAfterMs = shipsAfterMs + random.int(20, 120) * HOUR_MS
  return {
    ...makeBasket(shop, nowMs - agoMs, random),
    ...{ key, agoMs, fate: random.weighted(FATES, FATE_WEIGHTS) },
    paysAfterMs: random.weighted([40_000, 5 * HOUR_MS, 30 * HOUR_MS], [80, 14, 6]) + random.int(0, 60_000),
    ...{ shipsAfterMs, arrivesAfterMs },
    returnsAfterMs: arrivesAfterMs + random.int(24, 240) * HOUR_MS,
  }
}

/** A year of orders: most came from elsewhere, the others were placed here, more of them lately. */
export function makeSales(size: WorldSize, shop: Shop, nowMs: number, random: Random): Sales {
  const ofImported = random.fork('imported')
  const ofLiving = random.fork('living')
  // As many a day as were imported, so that the report has no step.
  const recent = Math.ceil(size.orders * 0.62)
  const agos = [
    ...moments(size.orders - recent, YEAR_DAYS, IMPORTED_UNTIL_DAYS, nowMs, ofLiving),
    ...moments(recent, IMPORTED_UNTIL_DAYS, 0, nowMs, ofLiving),
  ]
  return {
    imported: moments(size.importedOrders, YEAR_DAYS, IMPORTED_UNTIL_DAYS, nowMs, ofImported).map((agoMs, index) => ({
      ...makeBasket(shop, nowMs - agoMs, ofImported),
      orderNumber: `A-${100_001 + index}`,
      agoMs,
    })),
    living: agos.map((agoMs, index) => makeLiving(shop, `order-${index + 1}`, agoMs, nowMs, ofLiving)),
  }
}
