import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runCommand, startProcess } from '../setup/process.ts'
import { seededRandom } from '../setup/random.ts'
import {
  acknowledged,
  acknowledgements,
  expectNothingLost,
  prepare,
  quiet,
  step,
  type World,
} from '../setup/seeded-load.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'

/**
 * Goal: whatever was acknowledged is there once after any number of kill -9, and what was not acknowledged is there once
 * after its client repeats it. Method: a seeded load on all three models against the real server process, killed at a random
 * moment and started again, round after round; then every command is repeated with its key and the books are compared.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_122)
const ROUNDS = 10
const CLIENTS = 6

async function survive(databaseUrl: string): Promise<void> {
  const random = seededRandom(SEED)
  const world: World = { name: `k${SEED}`, commands: [], random, next: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const server = await startProcess(databaseUrl)
    if (round === 0) await prepare(server.address)
    let alive = true
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (alive && (await step(world, server.address)));
    })
    // Counted in acknowledgements, not in time: the load is the same on a slow machine.
    await acknowledged(world, 8 + random.int(40))
    await new Promise((resolve) => setTimeout(resolve, random.int(50)))
    alive = false
    await server.kill()
    await Promise.all(clients)
  }

  const server = await startProcess(databaseUrl)
  const { address } = server
  expect(acknowledgements(world), 'the load must reach the server').toBeGreaterThan(ROUNDS * 5)
  await expectNothingLost(address, world)
  await quiet(address)
  expect(await server.stop(), 'Ctrl-C ends with 0').toBe(0)
  const verified = await runCommand(['verify', '--json', '--database-url', databaseUrl])
  expect(verified.code, `${verified.stdout}\n${verified.stderr}`).toBe(0)
}

describe(`kill -9 under load of all three models, ${ROUNDS} times (seed ${SEED})`, () => {
  const cleanups: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const clean of cleanups) await clean()
  })

  it('loses and doubles nothing on PGlite', { timeout: 600_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanfold-kill-'))
    cleanups.push(() => rm(folder, { recursive: true, force: true }))
    await survive(`pglite:${join(folder, 'data')}`)
  })

  it.runIf(postgresServer() !== undefined)(
    'loses and doubles nothing on PostgreSQL',
    { timeout: 600_000 },
    async () => {
      const database = await createPostgresDatabase(postgresServer()!)
      cleanups.push(() => database.drop())
      await survive(database.url)
    },
  )
})
