/** The shop that every contender sells from. */

export const PRODUCTS = 3_000
export const CUSTOMERS = 1_000
/** More units than any run sells. */
export const PLENTY = 1_000_000_000
export const HOT_PRODUCT = 'hot'
export const PRICE = 12_50
export const LINES = 3

export const ADDRESS = {
  name: 'Ada Lovelace',
  line1: '1 Main Street',
  city: 'New York',
  region: 'NY',
  postal_code: '10001',
  country: 'US',
}

export interface ShopLine {
  readonly product: string
  readonly quantity: number
}

export interface Stocked {
  readonly product: string
  readonly units: number
}

const id = (letter: string, number: number) => `${letter}${String(number).padStart(5, '0')}`
const below = (bound: number) => Math.floor(Math.random() * bound)

export const customerId = (number: number) => id('c', number)
export const productId = (number: number) => id('p', number)
export const anyCustomer = () => customerId(below(CUSTOMERS))

/** Different products, one from each part of the catalogue, and so in the order of their ids. */
export function pickLines(): ShopLine[] {
  const part = PRODUCTS / LINES
  return Array.from({ length: LINES }, (_, line) => ({ product: productId(line * part + below(part)), quantity: 1 }))
}

/** All that any bench of orders buys, and products for sales, each with so many units. */
export function catalogue(sales: readonly Stocked[] = []): Stocked[] {
  return [
    ...Array.from({ length: PRODUCTS }, (_, number) => ({ product: productId(number), units: PLENTY })),
    { product: HOT_PRODUCT, units: PLENTY },
    ...sales,
  ]
}
