import type { Random } from './random.ts'
import type { WorldSize } from './size.ts'
import { CATEGORIES, CITIES, type City, FIRST_NAMES, MAKES, NAME_ENDS, NAME_STARTS } from './words.ts'

const DAY_MS = 86_400_000
/** Prices and counts change at the beginning of such a period, counted back from now. */
export const PERIOD_MS = 73 * DAY_MS

export const LOCATIONS = [
  { locationId: 'main', name: 'Main warehouse', priority: 1 },
  { locationId: 'north', name: 'North depot', priority: 2 },
  { locationId: 'harbour', name: 'Harbour shop', priority: 3 },
] as const

export interface MadeProduct {
  readonly productId: string
  readonly sku: string
  readonly name: string
  readonly category: string
  /** In cents. */
  readonly price: number
  readonly stock: Readonly<Record<string, number>>
  /** How likely it is to be bought, within its category. */
  readonly weight: number
}

export interface MadeAddress {
  readonly line1: string
  readonly city: string
  readonly region?: string
  readonly postal_code: string
  readonly country: string
}
export interface MadeCustomer {
  readonly customerId: string
  readonly name: string
  readonly email: string
  readonly addressId: string
  readonly address: MadeAddress
}

/** What the shop changes at one moment: a price, or the units counted at a place. */
export interface ShopChange {
  readonly agoMs: number
  readonly productId: string
  readonly price?: number
  readonly count?: { readonly locationId: string; readonly onHand: number }
}

export interface Shop {
  readonly products: readonly MadeProduct[]
  readonly customers: readonly MadeCustomer[]
  /** Oldest first. */
  readonly changes: readonly ShopChange[]
}

const roundPrice = (cents: number) => Math.max(100, Math.round(cents / 100) * 100 - 1)

function makeProducts(count: number, random: Random): MadeProduct[] {
  return Array.from({ length: count }, (_, index) => {
    const category = CATEGORIES[index % CATEGORIES.length]!
    const [kind, about] = category.kinds[Math.floor(index / CATEGORIES.length) % category.kinds.length]!
    const number = Math.floor(index / CATEGORIES.length) + 1
    const name = `${random.pick(MAKES)} ${kind} ${number}`
    const productId = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
    const places = LOCATIONS.slice(0, random.int(2, LOCATIONS.length))
    return {
      productId,
      sku: `${category.name.slice(0, 3).toUpperCase()}-${1_000 + index}`,
      name,
      category: category.name,
      price: roundPrice(about * (0.7 + 0.7 * random.next())),
      stock: Object.fromEntries(places.map(({ locationId }) => [locationId, random.int(200, 900)])),
      weight: 1 / (1 + random.rank(10, 1)),
    }
  })
}

export const addressIn = ({ city, region, country, postalCode }: City, random: Random): MadeAddress => ({
  line1: `${random.int(1, 180)} ${random.pick(NAME_STARTS)} ${random.pick(['Street', 'Lane', 'Road', 'Square'])}`,
  ...{ city, ...(region === undefined ? {} : { region }), postal_code: postalCode, country },
})

function makeCustomers(count: number, random: Random): MadeCustomer[] {
  const weights = CITIES.map(({ weight }) => weight)
  return Array.from({ length: count }, (_, index) => {
    const customerId = `c-${String(index + 1).padStart(4, '0')}`
    const name = `${random.pick(FIRST_NAMES)} ${random.pick(NAME_STARTS)}${random.pick(NAME_ENDS)}`
    const email = `${name.toLowerCase().replace(' ', '.')}.${index + 1}@example.com`
    const address = addressIn(random.weighted(CITIES, weights), random)
    return { customerId, name, email, addressId: `${customerId}-home`, address }
  })
}

/** Prices that move some times a year, the last of them some weeks ago; and counts that bring shelves up again. */
function makeChanges(products: readonly MadeProduct[], random: Random): ShopChange[] {
  const changes: ShopChange[] = []
  products.forEach(({ productId, price, stock }, index) => {
    // The night before the period's first orders.
    const ago = (period: number) => (period + 1) * PERIOD_MS - (index + 1) * 1_000
    const [locationId] = Object.keys(stock) as [string]
    let now = price
    for (let period = random.int(3, 4); period >= 1; period -= random.int(1, 2)) {
      now = roundPrice(now * (0.85 + 0.3 * random.next()))
      changes.push({ agoMs: ago(period), productId, price: now })
    }
    for (const period of [3, 2, 0])
      if (random.chance(0.5))
        changes.push({ agoMs: ago(period) - 500, productId, count: { locationId, onHand: random.int(700, 1_400) } })
  })
  return changes.sort((a, b) => b.agoMs - a.agoMs)
}

export function makeShop(size: WorldSize, random: Random): Shop {
  const products = makeProducts(size.products, random.fork('products'))
  return {
    products,
    customers: makeCustomers(size.customers, random.fork('customers')),
    changes: makeChanges(products, random.fork('changes')),
  }
}
