import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuyersPair, startBuyers } from './orders-buyers.ts'
import { prepareFanfold } from './orders-fanfold.ts'
import { preparePlainShop } from './orders-plain.ts'
import type { Stocked } from './orders-shop.ts'
import { type Peer, peer } from './peers.ts'
import { outputOf, type Postgres } from './postgres.ts'

/** Code that runs a few hundred times is compiled only after seconds. */
const WARM_UP = { clients: 20, seconds: 3 } as const

export const MEDUSA_VERSION = '2.21.2'

/** Everybody who sells, each from a database of his own with the same stock. */
export interface Contenders {
  readonly fanfold: BuyersPair
  /** A hand-written transaction whose updates of the stock are conditional. */
  readonly plain: BuyersPair
  /** One that reads the stock and writes what it makes of it. */
  readonly naive: BuyersPair
  /** Undefined when it can't be had. */
  readonly medusa: BuyersPair | undefined
  readonly medusaUnlocked: BuyersPair | undefined
  /** Of the hand-written tables, for pgbench. */
  readonly plainUrl: string
  readonly engines: Readonly<Record<string, string>>
  readonly notes: readonly string[]
  close(): Promise<void>
}

const script = (name: string) => new URL(`./clients/${name}.js`, import.meta.url)

async function prepareMedusa(folder: string, database: string, stocked: readonly Stocked[]): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), 'fanfold-medusa-'))
  try {
    const file = join(temporary, 'stock.json')
    await writeFile(file, JSON.stringify(stocked))
    await outputOf(process.execPath, [join(folder, 'prepare.mjs'), database, file])
  } finally {
    await rm(temporary, { recursive: true })
  }
}

async function startMedusa(
  medusa: Peer,
  postgres: Postgres,
  stocked: readonly Stocked[],
  start: (script: URL, options: object) => Promise<BuyersPair>,
): Promise<{ locked: BuyersPair; unlocked: BuyersPair } | undefined> {
  if ('missing' in medusa) return undefined
  const database = await postgres.createDatabase('medusa')
  await prepareMedusa(medusa.folder, database, stocked)
  const buy = pathToFileURL(join(medusa.folder, 'buy.mjs'))
  return {
    locked: await start(buy, { database, lock: true }),
    unlocked: await start(buy, { database, lock: false }),
  }
}

/** Opens a shop of each kind with this stock. */
export async function openContenders(
  postgres: Postgres,
  stocked: readonly Stocked[],
  say: (text: string) => void,
): Promise<Contenders> {
  const medusa = await peer('medusa', say)
  if ('missing' in medusa) say(`left out: Medusa (${medusa.missing})`)
  say('filling the shops')
  const started: BuyersPair[] = []
  const close = async () => void (await Promise.all(started.map((pair) => pair.close())))
  async function start(of: URL, options: object): Promise<BuyersPair> {
    const pair = await startBuyers(of, options)
    started.push(pair)
    return pair
  }
  try {
    const database = await postgres.createDatabase('orders')
    const sample = await prepareFanfold(database, stocked)
    const plainUrl = await postgres.createDatabase('plain')
    await preparePlainShop(plainUrl, database, stocked, sample)
    const plain = (stock: string) => start(script('orders-plain'), { database: plainUrl, sample, stock })
    const theirs = await startMedusa(medusa, postgres, stocked, start)
    const fanfold = await start(script('orders-fanfold'), { database })
    const conditional = await plain('conditional')
    const naive = await plain('naive')
    for (const pair of [fanfold, conditional, theirs?.locked]) await pair?.two.load(WARM_UP.clients, WARM_UP.seconds)
    return {
      fanfold,
      plain: conditional,
      naive,
      medusa: theirs?.locked,
      medusaUnlocked: theirs?.unlocked,
      plainUrl,
      engines: {
        postgresql: postgres.version,
        ...(theirs === undefined ? {} : { '@medusajs/order, inventory and locking': MEDUSA_VERSION }),
      },
      notes:
        'missing' in medusa
          ? [`Medusa ${MEDUSA_VERSION} could not be installed, so it is left out: ${medusa.missing}`]
          : [],
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Ours against theirs in words that name the number of clients. */
export const caseName = (who: string, clients: number) => `${who}, ${clients} client${clients === 1 ? '' : 's'}`
