import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
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
import { SET_UPS, type SetUp } from './environments.ts'

/**
 * Goal: whichever engines hold the stores, what was acknowledged is there once, whatever dies. Method: one test
 * imports real data and verifies it. Another, in databases of its own, runs the server process under the load of
 * `seeded-load.ts` while the servers behind it are killed one after the other, each started again under the load; in the
 * end every command is repeated, and all is verified.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_123)
const CLIENTS = 6
const MINUTES = 60_000
const ENGINES = fileURLToPath(new URL('../../scripts/engines', import.meta.url))

const DATA = process.env['FANFOLD_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data')
const FOLLOWS = join(DATA, 'facebook_follows.txt')
const ORDERS = join(DATA, 'superstore.csv')
const present = existsSync(FOLLOWS) && existsSync(ORDERS)
if (!present) process.stderr.write(`left out: real data in mixed set-ups (not in ${DATA}; set FANFOLD_TEST_DATA)\n`)

const engines = async (...args: string[]) => (await promisify(execFile)(ENGINES, args)).stdout

/** Only servers that `scripts/engines` runs can be killed. */
async function canKill(servers: readonly string[]): Promise<boolean> {
  if (servers.length === 0) return true
  try {
    const rows = (await engines('status', ...servers)).split('\n').slice(1)
    const running = rows.filter((row) => /^\S+ +running /.test(row)).length
    return running === servers.length
  } catch {
    return false
  }
}

async function importAll(env: Record<string, string>, folder: string): Promise<void> {
  const posts = join(folder, 'posts.jsonl')
  const lines = Array.from({ length: 500 }, (_, n) =>
    JSON.stringify({ user_id: String((n * 37) % 4_000), text: `post ${n}`, key: `post-${n}` }),
  )
  await writeFile(posts, `${lines.join('\n')}\n`)
  const imports = [
    ['follows', FOLLOWS],
    ['posts', posts],
    ['orders', ORDERS, '--map', 'superstore'],
  ]
  for (const args of imports) {
    const result = await runCommand(['import', ...args, '--json'], env)
    expect(result.code, `${args[0]}: ${result.stderr}`).toBe(0)
  }
}

async function survive(setUp: SetUp, env: Record<string, string>): Promise<void> {
  const world: World = { name: `${setUp.name}-${SEED}`, commands: [], random: seededRandom(SEED), next: 0 }
  const server = await startProcess(env['FANFOLD_DATABASE_URL']!, env)
  try {
    const { address } = server
    await prepare(address)
    let isOver = false
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!isOver) {
        await step(world, address)
        // Whoever is refused while a server is away does not ask again at once.
        if ((world.commands.at(-1)?.answer?.status ?? 500) >= 500) await new Promise((go) => setTimeout(go, 200))
      }
    })
    await acknowledged(world, 30)
    for (const name of setUp.servers) {
      await engines('kill', name)
      await new Promise((go) => setTimeout(go, 1_500))
      await engines('up', name)
      await acknowledged(world, 20, 2 * MINUTES)
    }
    await acknowledged(world, 30, 2 * MINUTES)
    isOver = true
    await Promise.all(clients)
    expect(acknowledgements(world)).toBeGreaterThan(50)
    await expectNothingLost(address, world)
    await quiet(address)
    expect(await server.stop(), 'Ctrl-C ends with 0').toBe(0)
  } catch (error) {
    await server.kill()
    throw new Error(`${error instanceof Error ? error.message : error}\n${server.log().slice(-4_000)}`, {
      cause: error,
    })
  }
}

async function expectVerified(env: Record<string, string>): Promise<void> {
  const verified = await runCommand(['verify', '--json'], env)
  expect(verified.code, `${verified.stdout.slice(0, 4_000)}\n${verified.stderr}`).toBe(0)
}

for (const setUp of SET_UPS) {
  const { servers } = setUp
  const isThere = setUp.isThere()
  const killable = isThere && (await canKill(servers))
  if (isThere && !killable)
    process.stderr.write(`left out: ${setUp.name} with servers killed (they are not run by scripts/engines)\n`)

  describe.skipIf(!killable)(`set-up ${setUp.name}: ${setUp.about}`, () => {
    const cleanups: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const clean of cleanups.splice(0).reverse()) await clean()
    })
    async function open(): Promise<{ env: Record<string, string>; folder: string }> {
      const folder = await mkdtemp(join(tmpdir(), 'fanfold-mixed-'))
      cleanups.push(() => rm(folder, { recursive: true, force: true }))
      return { env: await setUp.open(folder, cleanups), folder }
    }

    it.skipIf(!present)('takes real data, and verifies', { timeout: 10 * MINUTES }, async () => {
      const { env, folder } = await open()
      await importAll(env, folder)
      const server = await startProcess(env['FANFOLD_DATABASE_URL']!, env)
      await quiet(server.address)
      expect(await server.stop()).toBe(0)
      await expectVerified(env)
    })

    it('loses and doubles nothing while its servers are killed', { timeout: 10 * MINUTES }, async () => {
      const { env } = await open()
      await survive(setUp, env)
      await expectVerified(env)
    })
  })
}
