import { availableParallelism } from 'node:os'
import type { Bench, BenchContext, Contender, Figure, Goal, Outcome } from './bench.ts'
import { atLeast, compare, ratio } from './measure.ts'
import type { Buyers } from './orders-buyers.ts'
import { type Contenders, caseName, openContenders } from './orders-contenders.ts'
import { placeScript } from './orders-plain.ts'
import { catalogue } from './orders-shop.ts'
import { openPostgres, pgbench } from './postgres.ts'

const CLIENTS = 256
/** Each commits by itself, so more of them are not always faster. */
const FUNCTION_CLIENTS = [64, CLIENTS] as const
/** As many as Medusa has connections: more only wait longer. */
const MEDUSA_CLIENTS = 10
/** Longer turns: orders under way at the beginning or the end of a turn don't count, and these take long. */
const MEDUSA_TURNS = 2
const CONNECTIONS = CLIENTS + 100

const FANFOLD = 'fanfold'
const PLAIN = 'plain transaction through pg'
const FUNCTION = 'pgbench, one function call'
const MEDUSA = 'medusa'

function contendersOf({ fanfold, plain, medusa, plainUrl }: Contenders): Contender[] {
  const contender = (who: string, clients: number, buyers: Buyers, turns = 1): Contender => ({
    name: caseName(who, clients),
    unit: 'orders',
    run: (seconds) => buyers.load(clients, turns * seconds),
  })
  return [
    contender(FANFOLD, 1, fanfold.one),
    contender(FANFOLD, CLIENTS, fanfold.one),
    contender(`${FANFOLD}, two processes`, CLIENTS, fanfold.two),
    contender(PLAIN, 1, plain.one),
    contender(PLAIN, CLIENTS, plain.one),
    ...FUNCTION_CLIENTS.map(
      (clients): Contender => ({
        name: caseName(FUNCTION, clients),
        unit: 'orders',
        run: (seconds) => pgbench(plainUrl, placeScript(), clients, seconds),
      }),
    ),
    ...(medusa === undefined
      ? []
      : [
          contender(MEDUSA, 1, medusa.one),
          contender(MEDUSA, MEDUSA_CLIENTS, medusa.one, MEDUSA_TURNS),
          contender(`${MEDUSA}, two processes`, 2 * MEDUSA_CLIENTS, medusa.two, MEDUSA_TURNS),
        ]),
  ]
}

function goalsOf(figures: readonly Figure[]): Goal[] {
  const figure = (name: string) => figures.find((each) => each.case === name)
  const ours = figure(caseName(FANFOLD, CLIENTS))!
  const against = (theirs: string, clients: number) => {
    const found = figure(caseName(theirs, clients))
    return found === undefined ? null : ratio(ours, found)
  }
  const best = Math.min(...FUNCTION_CLIENTS.map((clients) => against(FUNCTION, clients)!))
  return [
    atLeast('256 clients, against a plain transaction of 12 statements', 8, against(PLAIN, CLIENTS)),
    atLeast('256 clients, against pgbench with one function call per order, at its best', 1.8, best),
    atLeast("256 clients, against Medusa's modules", 100, against(MEDUSA, MEDUSA_CLIENTS)),
  ]
}

const NOTES = [
  `Durable PostgreSQL, clients and server on the same ${availableParallelism()} processors. ` +
    'Every Node client has 10 connections.',
  'An order of three products among 3,000, of one of 1,000 customers, with an idempotency key and the answer kept ' +
    'with it, stock and its moves, lines and history.',
  'plain transaction: begin, customer, products, key, three conditional updates of stock, moves, order, lines, ' +
    'history, commit; columns and indexes as ours, documents as wide as ours.',
  'pgbench: the same writes in one function, prepared, two threads; each order is committed by itself.',
  'medusa: createOrders with three items, then createReservationItems under the lock of its InMemoryLockingProvider, ' +
    'as its checkout does; without an idempotency key. It inserts more rows (items by version, a summary) and reads ' +
    'the order back. More clients than its 10 connections only wait longer.',
]

async function run(context: BenchContext): Promise<Outcome> {
  const postgres = await openPostgres(CONNECTIONS)
  try {
    const contenders = await openContenders(postgres, catalogue(), context.say)
    try {
      const figures = await compare(contendersOf(contenders), context, postgres.checkpoint)
      return {
        engines: contenders.engines,
        results: figures,
        goals: goalsOf(figures),
        notes: [...NOTES, ...contenders.notes],
      }
    } finally {
      await contenders.close()
    }
  } finally {
    await postgres.close()
  }
}

export const ordersPlace: Bench = {
  name: 'orders.place',
  about: "place orders, against a plain transaction, a function per order and Medusa's modules",
  defaults: { rounds: 3, seconds: 4 },
  run,
}
