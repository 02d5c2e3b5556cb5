import type { Fanfold } from '../app/fanfold.ts'
import { AppError, isAppError } from '../core/errors.ts'
import { ACTOR, keyed } from './scene.ts'
import { SIZE_NAMES, type SizeName } from './size.ts'

/** Two customers tell what the database holds: the one that the world began, the other that it is complete. */
const BEGUN = 'demo-world'
const COMPLETE = 'demo-world-complete'
const NAME = /^Demo world, seed (\d+), (\w+)$/

export interface Plan {
  readonly seed: number
  readonly sizeName: SizeName
  /** The present of the world: when it began. Milliseconds since the epoch. */
  readonly nowMs: number
  readonly state: 'new' | 'begun' | 'complete'
}

async function customer({ orders }: Fanfold, customerId: string) {
  try {
    return await orders.getCustomer(customerId)
  } catch (error) {
    if (isAppError(error, 'customer_not_found')) return undefined
    throw error
  }
}

/** What of somebody else's there is, in words; looks at the first of each list. */
async function foreignData({ orders, payments, social, webhooks, settlements }: Fanfold): Promise<string[]> {
  const looks: readonly (readonly [string, () => Promise<{ readonly items: readonly unknown[] }>])[] = [
    ['users', () => social.users({ limit: 1 })],
    ['products', () => orders.listProducts({}, { limit: 1 })],
    ['customers', () => orders.listCustomers({ limit: 1 })],
    ['orders', () => orders.list({}, { limit: 1 })],
    ['payments', () => payments.list({}, { limit: 1 })],
    ['settlement files', () => settlements.list(undefined, { limit: 1 })],
    ['webhook endpoints', () => webhooks.list({ limit: 1 })],
  ]
  const found: string[] = []
  for (const [what, look] of looks) if ((await look()).items.length > 0) found.push(what)
  return found
}

/**
 * What there is to be done in this database. Throws `demo_refused` when it holds something that is not this demo's, or
 * when payments would go to a processor that is no play.
 */
export async function planDemo(
  fanfold: Fanfold,
  seed: number | undefined,
  sizeName: SizeName | undefined,
): Promise<Plan> {
  if (fanfold.config.processor !== 'sandbox')
    throw new AppError('demo_refused', 'The demo pays with play money: it needs FANFOLD_PROCESSOR=sandbox, the default')
  const marker = await customer(fanfold, BEGUN)
  if (marker === undefined) {
    const found = await foreignData(fanfold)
    if (found.length > 0)
      throw new AppError(
        'demo_refused',
        `The database holds ${found.join(', ')} that are not the demo's. Give the demo an empty one, ` +
          'such as: --database-url pglite:./demo-data',
      )
    return { seed: seed ?? 1, sizeName: sizeName ?? 'medium', nowMs: Date.now(), state: 'new' }
  }
  const [, knownSeed, knownSize] = NAME.exec(marker.name) ?? []
  const known = SIZE_NAMES.find((name) => name === knownSize)
  if (knownSeed === undefined || known === undefined)
    throw new AppError('demo_refused', `The customer ${BEGUN} of this database was not made by the demo`)
  if ((seed !== undefined && seed !== Number(knownSeed)) || (sizeName !== undefined && sizeName !== known))
    throw new AppError(
      'demo_refused',
      `The database holds the demo of seed ${knownSeed} and size ${known}; another one needs an empty database`,
    )
  const state = (await customer(fanfold, COMPLETE)) === undefined ? 'begun' : 'complete'
  return { seed: Number(knownSeed), sizeName: known, nowMs: Date.parse(marker.created_at), state }
}

/** Answers the present of the world: that of whoever began it first. */
export async function markBegun({ orders }: Fanfold, { seed, sizeName }: Plan): Promise<number> {
  const name = `Demo world, seed ${seed}, ${sizeName}`
  const { created_at } = await orders.createCustomer({ customer_id: BEGUN, name }, keyed('begun'))
  return Date.parse(created_at)
}

export async function markComplete({ orders }: Fanfold): Promise<void> {
  await orders.createCustomer({ customer_id: COMPLETE, name: 'Demo world is complete' }, { actor: ACTOR })
}
