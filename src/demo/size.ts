/** How much there is of what. Edges and counts are aimed at, not promised. */
export interface WorldSize {
  readonly users: number
  readonly follows: number
  readonly posts: number
  readonly likes: number
  readonly comments: number
  /** Users who have a timeline before the last posts are published. */
  readonly readers: number
  readonly products: number
  readonly customers: number
  /** Orders of the past that were paid and delivered elsewhere. */
  readonly importedOrders: number
  /** Orders that were placed, paid and sent here. */
  readonly orders: number
  /** How often each outcome of a payment is played, about. */
  readonly outcomes: number
}

export const SIZES = {
  tiny: {
    ...{ users: 40, follows: 240, posts: 60, likes: 120, comments: 20, readers: 8 },
    ...{ products: 16, customers: 24, importedOrders: 60, orders: 24, outcomes: 1 },
  },
  small: {
    ...{ users: 300, follows: 3_500, posts: 500, likes: 1_500, comments: 150, readers: 30 },
    ...{ products: 60, customers: 150, importedOrders: 700, orders: 120, outcomes: 1 },
  },
  medium: {
    ...{ users: 2_000, follows: 24_000, posts: 1_500, likes: 4_000, comments: 400, readers: 100 },
    ...{ products: 120, customers: 800, importedOrders: 3_600, orders: 400, outcomes: 1 },
  },
} as const satisfies Record<string, WorldSize>

export type SizeName = keyof typeof SIZES
export const SIZE_NAMES = Object.keys(SIZES) as SizeName[]
