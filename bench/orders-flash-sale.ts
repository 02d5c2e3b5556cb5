import { availableParallelism } from 'node:os'
import type { Bench, BenchContext, Contender, Count, Figure, Goal, Outcome } from './bench.ts'
import { atLeast, compare, exactly, ratio } from './measure.ts'
import type { Buyers, SaleResult } from './orders-buyers.ts'
import { type Contenders, caseName, openContenders } from './orders-contenders.ts'
import { hotScript } from './orders-plain.ts'
import { catalogue, HOT_PRODUCT, type Stocked } from './orders-shop.ts'
import { openPostgres, type Postgres, pgbench } from './postgres.ts'

const CLIENTS = 64
const CONNECTIONS = CLIENTS + 100

/** Each race sells another product. */
const RACES = 3
const RACE = { buyers: 200, units: 50 } as const
/** More than a race: the same buyers come again and again until all is gone, and after. */
const SELL_OUT = { buyers: CLIENTS, attempts: 100, units: 5_000 } as const

const FANFOLD = 'fanfold'
const PLAIN = 'conditional update through pg'
const FUNCTION = 'pgbench, one function call'

interface Racer {
  readonly name: string
  readonly buyers: Buyers
}

function racersOf({ fanfold, plain, naive, medusa, medusaUnlocked }: Contenders): Racer[] {
  return [
    { name: 'fanfold, one process', buyers: fanfold.one },
    { name: 'fanfold, two processes', buyers: fanfold.two },
    { name: 'conditional update, two processes', buyers: plain.two },
    { name: 'read, then write, one process', buyers: naive.one },
    ...(medusaUnlocked === undefined ? [] : [{ name: 'medusa without lock, one process', buyers: medusaUnlocked.one }]),
    ...(medusa === undefined
      ? []
      : [
          { name: 'medusa with in-memory lock, one process', buyers: medusa.one },
          { name: 'medusa with in-memory lock, two processes', buyers: medusa.two },
        ]),
  ]
}

/** No two racers of one database sell the same product. */
const raceProduct = (racer: number, race: number) => `race-${racer}-${race}`
const sellOutProduct = (processes: number) => `all-${processes}`

function salesStock(racers: number): Stocked[] {
  return [
    ...Array.from({ length: racers * RACES }, (_, index) => ({
      product: raceProduct(Math.floor(index / RACES), index % RACES),
      units: RACE.units,
    })),
    ...[1, 2].map((processes) => ({ product: sellOutProduct(processes), units: SELL_OUT.units })),
  ]
}

const RACERS_MAX = 7

function contendersOf({ fanfold, plain, plainUrl }: Contenders): Contender[] {
  const contender = (who: string, buyers: Buyers): Contender => ({
    name: caseName(who, CLIENTS),
    unit: 'orders',
    run: (seconds) => buyers.load(CLIENTS, seconds, HOT_PRODUCT),
  })
  return [
    contender(FANFOLD, fanfold.one),
    contender(`${FANFOLD}, two processes`, fanfold.two),
    contender(PLAIN, plain.one),
    {
      name: caseName(FUNCTION, CLIENTS),
      unit: 'orders',
      run: (seconds) => pgbench(plainUrl, hotScript(), CLIENTS, seconds),
    },
  ]
}

const oversoldOf = (sold: number, units: number) => Math.max(0, sold - units)

interface RaceOutcome {
  readonly counts: readonly Count[]
  readonly oversold: number
}

function countsOf(
  name: string,
  results: readonly SaleResult[],
  units: number,
  say: (text: string) => void,
): RaceOutcome {
  const sum = (of: (result: SaleResult) => number) => results.reduce((total, result) => total + of(result), 0)
  const sold = sum((result) => result.sold)
  const failed = sum((result) => result.failed)
  const oversold = sum((result) => oversoldOf(result.sold, units))
  const failure = results.find((result) => result.failure !== undefined)?.failure
  say(`${name}: sold ${sold} of ${units * results.length}, oversold ${oversold}, failed ${failed} ${failure ?? ''}`)
  const count = (what: string, value: number): Count => ({ case: `${name}: ${what}`, unit: 'units', value })
  return {
    counts: [
      count(`sold, of ${units * results.length}`, sold),
      count('oversold', oversold),
      ...(failed === 0 ? [] : [count('neither sold nor refused', failed)]),
    ],
    oversold,
  }
}

async function race(racers: readonly Racer[], { say, signal }: BenchContext): Promise<RaceOutcome[]> {
  const outcomes: RaceOutcome[] = []
  for (const [index, { name, buyers }] of racers.entries()) {
    const results: SaleResult[] = []
    for (let number = 0; number < RACES; number++) {
      signal?.throwIfAborted()
      results.push(await buyers.sell({ product: raceProduct(index, number), buyers: RACE.buyers, attempts: 1 }))
    }
    outcomes.push(countsOf(name, results, RACE.units, say))
  }
  return outcomes
}

async function sellOut({ fanfold }: Contenders, { say }: BenchContext): Promise<RaceOutcome[]> {
  const { buyers, attempts, units } = SELL_OUT
  const outcomes: RaceOutcome[] = []
  for (const [processes, shop] of [fanfold.one, fanfold.two].entries()) {
    const result = await shop.sell({ product: sellOutProduct(processes + 1), buyers, attempts })
    const name = `fanfold, ${processes === 0 ? 'one process' : 'two processes'}, until all is gone`
    outcomes.push(countsOf(name, [result], units, say))
  }
  return outcomes
}

function goalsOf(figures: readonly Figure[], oversold: number): Goal[] {
  const figure = (name: string) => figures.find((each) => each.case === caseName(name, CLIENTS))!
  return [
    atLeast('64 buyers, against a conditional update per transaction', 14, ratio(figure(FANFOLD), figure(PLAIN))),
    exactly('units oversold', 0, oversold),
  ]
}

const NOTES = [
  `Durable PostgreSQL, clients and server on the same ${availableParallelism()} processors. ` +
    'Every Node client has 10 connections.',
  'All buyers want one unit of the same product. Rates: there is plenty of it.',
  `Races: ${RACE.buyers} buyers at once, ${RACE.units} units, ${RACES} products one after the other, counted ` +
    'together; oversold is what was sold of a product beyond its units.',
  `Until all is gone: ${SELL_OUT.buyers} buyers with ${SELL_OUT.attempts} orders each, one after the other, ` +
    `${SELL_OUT.units} units.`,
  'conditional update: the hand-written transaction of orders.place with one line, which takes units only where ' +
    'enough are left. read, then write: the same, but it reads the stock and writes one more as reserved, as Medusa ' +
    'does.',
  "medusa: createOrders, then createReservationItems; what can't be reserved is deleted again. Its checkout wraps " +
    'the reservation in locking.execute by inventory items; the default provider of @medusajs/locking, ' +
    'InMemoryLockingProvider, keeps the lock in the memory of its process.',
]

async function measure(postgres: Postgres, context: BenchContext): Promise<Outcome> {
  const contenders = await openContenders(postgres, catalogue(salesStock(RACERS_MAX)), context.say)
  try {
    const races = await race(racersOf(contenders), context)
    const ends = await sellOut(contenders, context)
    const figures = await compare(contendersOf(contenders), context, postgres.checkpoint)
    const ours = [...races.slice(0, 2), ...ends]
    return {
      engines: contenders.engines,
      results: [...figures, ...[...races, ...ends].flatMap(({ counts }) => counts)],
      goals: goalsOf(
        figures,
        ours.reduce((sum, { oversold }) => sum + oversold, 0),
      ),
      notes: [...NOTES, ...contenders.notes],
    }
  } finally {
    await contenders.close()
  }
}

async function run(context: BenchContext): Promise<Outcome> {
  const postgres = await openPostgres(CONNECTIONS)
  try {
    return await measure(postgres, context)
  } finally {
    await postgres.close()
  }
}

export const ordersFlashSale: Bench = {
  name: 'orders.flash-sale',
  about: '64 buyers of one product, against a conditional update; units sold and oversold by each way of selling',
  defaults: { rounds: 3, seconds: 4 },
  run,
}
