import type { Measured } from './bench.ts'
import { closedLoop } from './closed-loop.ts'
import { pickLines, type ShopLine } from './orders-shop.ts'
import { type Child, serveChild, startChild } from './social-child.ts'

/** What buyers do in a process of their own, which shares nothing with the harness or another contender. */
export interface Shop {
  /** Places an order of these lines; false when there are too few units. Every other failure throws. */
  buy(lines: readonly ShopLine[]): Promise<boolean>
  close(): Promise<unknown>
}

/** Buyers one order after another: of this product only, or else of three each time. */
interface Load {
  readonly clients: number
  readonly seconds: number
  readonly product: string | undefined
}

/** Buyers who all want a unit of this product, each of them so many times. */
export interface Sale {
  readonly product: string
  readonly buyers: number
  readonly attempts: number
}

export interface SaleResult {
  readonly sold: number
  readonly refused: number
  /** Neither sold nor refused for lack of stock. */
  readonly failed: number
  /** The message of the first failure. */
  readonly failure?: string
}

type Request = Load | Sale

async function sell(shop: Shop, { product, buyers, attempts }: Sale): Promise<SaleResult> {
  const lines = [{ product, quantity: 1 }]
  const count = { sold: 0, refused: 0, failed: 0 }
  let failure: string | undefined
  async function buyer(): Promise<void> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      try {
        count[(await shop.buy(lines)) ? 'sold' : 'refused'] += 1
      } catch (error) {
        count.failed += 1
        failure ??= String(error)
      }
    }
  }
  await Promise.all(Array.from({ length: buyers }, buyer))
  return { ...count, ...(failure === undefined ? {} : { failure }) }
}

function load(shop: Shop, { clients, seconds, product }: Load): Promise<Measured> {
  return closedLoop(clients, seconds, async () => {
    if (!(await shop.buy(product === undefined ? pickLines() : [{ product, quantity: 1 }]))) {
      throw new Error('sold out')
    }
  })
}

/** The side of a script: buys as the harness says. */
export function serveBuyers<Options>(open: (options: Options) => Promise<Shop>): Promise<void> {
  return serveChild<Options, Request>(async (options) => {
    const shop = await open(options)
    return {
      answer: (request): Promise<Measured | SaleResult> =>
        'buyers' in request ? sell(shop, request) : load(shop, request),
      close: () => shop.close(),
    }
  })
}

export interface Buyers {
  /** The given clients shared by all processes, for so many seconds; of one product if given, else of three each. */
  load(clients: number, seconds: number, product?: string): Promise<Measured>
  /** The given buyers shared by all processes; answers when all attempts are over. */
  sell(sale: Sale): Promise<SaleResult>
  close(): Promise<void>
}

/** Buyers in several processes are counted together. */
function together(children: readonly Child[]): Buyers {
  return {
    async load(clients, seconds, product) {
      const share = { clients: clients / children.length, seconds, product } satisfies Load
      const measured = await Promise.all(children.map((child) => child.ask<Measured>(share)))
      return { seconds, latenciesMs: Float64Array.from(measured.flatMap(({ latenciesMs }) => [...latenciesMs])) }
    },
    async sell(sale) {
      const share = { ...sale, buyers: sale.buyers / children.length } satisfies Sale
      const results = await Promise.all(children.map((child) => child.ask<SaleResult>(share)))
      const sum = (of: 'sold' | 'refused' | 'failed') => results.reduce((total, result) => total + result[of], 0)
      const failure = results.find((result) => result.failure !== undefined)?.failure
      return {
        sold: sum('sold'),
        refused: sum('refused'),
        failed: sum('failed'),
        ...(failure === undefined ? {} : { failure }),
      }
    },
    async close() {
      await Promise.all(children.map((child) => child.close()))
    },
  }
}

export interface BuyersPair {
  readonly one: Buyers
  readonly two: Buyers
  close(): Promise<void>
}

/** Two processes of a script that calls {@link serveBuyers}: the first alone, and both. */
export async function startBuyers(script: URL, options: object): Promise<BuyersPair> {
  const first = await startChild(script, options)
  const second = await startChild(script, options)
  const two = together([first, second])
  return { one: together([first]), two, close: two.close }
}
