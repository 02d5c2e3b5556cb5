import { makePeople, type People } from './people.ts'
import { type Feed, makeFeed } from './posts.ts'
import { createRandom } from './random.ts'
import { makeSales, type Sales } from './sales.ts'
import { makeShop, type Shop } from './shop.ts'
import type { WorldSize } from './size.ts'

/** Everything that the demo says has happened; times are told as milliseconds before now. */
export interface World {
  readonly people: People
  readonly feed: Feed
  readonly shop: Shop
  readonly sales: Sales
}

/** Pure: the same seed, size and now make the same world. */
export function makeWorld(seed: number, size: WorldSize, nowMs: number): World {
  const random = createRandom(seed)
  const people = makePeople(size, random.fork('people'))
  const shop = makeShop(size, random.fork('shop'))
  return {
    people,
    shop,
    feed: makeFeed(size, people, random.fork('feed')),
    sales: makeSales(size, shop, nowMs, random.fork('sales')),
  }
}
