import { afterAll, beforeAll, describe, inject } from 'vitest'
import { frameTests } from './frame.ts'
import { manyRowsTests } from './many-rows.ts'
import { operationsTests } from './operations.ts'
import { ordersTests } from './orders.ts'
import { overviewTests } from './overview.ts'
import { paymentsTests } from './payments.ts'
import { productsTests } from './products.ts'
import { reportTests } from './report.ts'
import { socialTests } from './social.ts'
import { openWorld, type World } from './world.ts'

/**
 * The console as people use it: a real browser against the real server on the embedded default, which holds the small
 * demo world. Each area has its tests in a file of its own; they share one world, for filling it is what takes time.
 */
const chromium = inject('chromium')

describe.skipIf(chromium === undefined)('the console', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(chromium!)
  }, 300_000)
  afterAll(() => world?.close())

  frameTests(() => world)
  ordersTests(() => world)
  productsTests(() => world)
  reportTests(() => world)
  manyRowsTests(() => world)
  overviewTests(() => world)
  operationsTests(() => world)
  socialTests(() => world)
  paymentsTests(() => world)
})
