import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Base, openBase } from '../../src/app/base.ts'
import { openMovesPart } from '../../src/app/parts/moves.ts'
import { SOCIAL_STORES } from '../../src/app/parts/social.ts'
import { AppError } from '../../src/core/errors.ts'
import { LIMITS } from '../../src/core/limits.ts'
import type { MovableStore, MovePhase, MoveStore } from '../../src/moves/port.ts'
import { openOrders } from '../../src/standalone/orders.ts'
import { until } from '../../src/testing/until.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'
import { openProcess, openRaw, type ProcessUnderTest } from './moving.ts'

const server = postgresServer()

/** A process that takes part in every move, and follows one only when the test says so. */
interface Straggler {
  readonly node: number
  readonly moves: MoveStore
  phase(): Promise<MovePhase | undefined>
  follow(phase: MovePhase): Promise<void>
}

describe.skipIf(server === undefined)('processes of a move', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    vi.restoreAllMocks()
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function database(): Promise<string> {
    const created = await createPostgresDatabase(server!)
    closing.push(() => created.drop())
    return created.url
  }
  async function processOn(home: string, more: { follows?: string } = {}): Promise<ProcessUnderTest> {
    const opened = await openProcess({ database: home, poolSize: 3, workers: false, ...more })
    closing.push(() => opened.close())
    return opened
  }
  async function baseOn(home: string, stores: Parameters<typeof openBase>[1] = SOCIAL_STORES): Promise<Base> {
    const base = await openBase({ database: home, poolSize: 3, workers: false }, stores)
    closing.push(() => base.lifecycle.close())
    return base
  }
  async function stragglerOn(home: string): Promise<Straggler> {
    const base = await baseOn(home, ['users', 'moves', 'follows'])
    const moves = await base.open('moves')
    const theMove = async () => (await moves.list())[0]
    return {
      node: base.node,
      moves,
      phase: async () => (await theMove())?.phase,
      async follow(phase) {
        await until(phase, async () => (await theMove())?.phase === phase)
        await moves.acknowledge({ ...(await theMove())!, phase }, base.node)
      },
    }
  }
  /** Leaves a move where everybody but the straggler acts by this phase. */
  async function moveUntil(phase: MovePhase, one: ProcessUnderTest, store: MovableStore, to: string, late: Straggler) {
    const stop = new AbortController()
    const moving = one.moves.move(store, to, { signal: stop.signal })
    moving.catch(() => undefined)
    for (const earlier of ['copying', 'switched'] as const) {
      if (earlier === phase) break
      await late.follow(earlier)
    }
    await alone(phase, store, late)
    stop.abort()
    await expect(moving).rejects.toThrow()
  }
  async function alone(phase: MovePhase, store: MovableStore, { moves, node }: Straggler): Promise<void> {
    await until(`all but one ${phase}`, async () => {
      const isThere = (await moves.list()).some((move) => move.store === store && move.phase === phase)
      return isThere && (await moves.waitingFor(store, phase)).join() === String(node)
    })
  }
  async function followees(url: string): Promise<string[]> {
    const raw = await openRaw(url)
    try {
      return (await raw.follows.outgoing('ann', undefined, 9)).map(({ otherId }) => otherId)
    } finally {
      await raw.close()
    }
  }
  async function people({ social }: ProcessUnderTest): Promise<void> {
    for (const id of ['ann', 'bob', 'cyd', 'dan']) await social.createUser({ user_id: id, handle: id, name: id })
  }

  it('take part only when their configuration says that the store is where the move comes from', async () => {
    const [home, other, target] = [await database(), await database(), await database()]
    const mover = await processOn(home, { follows: other })
    const late = await stragglerOn(home)
    await people(mover)
    await mover.social.follow('ann', 'bob')
    await moveUntil('switched', mover, 'follows', target, late)
    expect(new URL((await late.moves.list())[0]!.from).pathname).toBe(new URL(other).pathname)

    // Without the URL of the follows, and with the new one too early.
    for (const wrong of [{}, { follows: target }])
      await expect(processOn(home, wrong)).rejects.toMatchObject({
        code: 'invalid_config',
        message: expect.stringContaining('FANFOLD_FOLLOWS_URL'),
      })
    await processOn(home, { follows: other })
    await Promise.all([mover.moves.move('follows', target), late.follow('switched'), late.follow('done')])
    for (const right of [{ follows: other }, { follows: target }]) {
      const { social } = await processOn(home, right)
      await social.follow('ann', 'cyd')
    }
    expect(await followees(target)).toEqual(['bob', 'cyd'])
  })

  it('have nothing copied by who takes them for elsewhere than those who serve do, until he cancels', async () => {
    const [home, other, target] = [await database(), await database(), await database()]
    const shell = await processOn(home)
    const serving = await processOn(home, { follows: other })
    const late = await stragglerOn(home)
    await people(serving)
    await serving.social.follow('ann', 'bob')
    const stop = new AbortController()
    let asked = 0
    const onProgress = (step: string) => {
      expect(step).toBe('waiting')
      // It looks every second, and five of these are one.
      if (++asked === 10) stop.abort()
    }
    await Promise.all([
      expect(shell.moves.move('follows', target, { onProgress, signal: stop.signal })).rejects.toThrow(),
      late.follow('copying'),
    ])
    await expect(serving.moves.move('follows', target)).rejects.toMatchObject({ code: 'invalid_config' })
    await Promise.all([shell.moves.cancel('follows'), late.follow('cancelled')])
    await serving.social.follow('ann', 'cyd')
    expect(await followees(other)).toEqual(['bob', 'cyd'])
    expect(await followees(target)).toEqual([])
  })

  it('go on as before while they can not follow, and follow the moves of other stores', async () => {
    const [home, target] = [await database(), await database()]
    const now = performance.now.bind(performance)
    let laterMs = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now() + laterMs)

    const base = await baseOn(home)
    let isAway = true
    const unreachable = new AppError('engine_unreachable', 'away')
    const openAt: Base['openAt'] = (store, url) =>
      isAway && store === 'follows' ? (Promise.reject(unreachable) as never) : base.openAt(store, url)
    const part = await openMovesPart({ ...base, openAt })
    const late = await stragglerOn(home)
    for (const store of ['follows', 'timelines'] as const)
      await late.moves.begin({ store, from: 'the main database', toUrl: target }, new Date())
    const look = () => expect(part.moves.move('follows', target)).rejects.toBe(unreachable)
    const read = () => part.follows.followerCount('ann', 10)

    for (let n = 0; n < 3; n++) {
      laterMs += LIMITS.moveUnheardMsMax - 10_000
      await look()
      expect(await read()).toBe(0)
    }
    expect(await late.moves.waitingFor('follows', 'copying')).toContain(base.node)
    expect(await late.moves.waitingFor('timelines', 'copying')).not.toContain(base.node)

    // Away for so long that nobody may wait for it any more, it must act first.
    laterMs += LIMITS.moveUnheardMsMax + 10_000
    await look()
    await expect(read()).rejects.toMatchObject({ code: 'unavailable' })
    isAway = false
    await until('it acts', async () => !(await late.moves.waitingFor('follows', 'copying')).includes(base.node))
    await until('it serves', () =>
      read()
        .catch(() => undefined)
        .then((count) => count === 0),
    )
  })

  it('write to both engines on the way back, until all of them read the old one', async () => {
    const [home, target] = [await database(), await database()]
    const one = await processOn(home)
    const late = await stragglerOn(home)
    await people(one)
    await moveUntil('switched', one, 'follows', target, late)
    await one.social.follow('ann', 'bob')
    const cancelling = one.moves.cancel('follows')
    cancelling.catch(() => undefined)
    await alone('returning', 'follows', late)
    // The straggler leads with the new engine: what it looks up there must be what the others have written.
    await one.social.follow('ann', 'cyd')
    expect([await followees(home), await followees(target)]).toEqual([
      ['bob', 'cyd'],
      ['bob', 'cyd'],
    ])
    await expect(one.moves.move('follows', target)).rejects.toMatchObject({ code: 'move_unfinished' })
    await Promise.all([cancelling, late.follow('returning').then(() => late.follow('cancelled'))])
    await one.social.follow('ann', 'dan')
    expect([await followees(home), await followees(target)]).toEqual([
      ['bob', 'cyd', 'dan'],
      ['bob', 'cyd'],
    ])
  })

  it('have all followed before a move is forgotten', async () => {
    const [home, target] = [await database(), await database()]
    const one = await processOn(home)
    const late = await stragglerOn(home)
    await moveUntil('done', one, 'follows', target, late)
    await expect(one.moves.forget('follows')).rejects.toMatchObject({ code: 'move_unfinished' })
    expect(await late.phase()).toBe('done')
    await late.follow('done')
    await one.moves.forget('follows')
    expect(await late.phase()).toBeUndefined()
  })

  it('are those that hold stores which can move, and no others', async () => {
    const home = await database()
    const orders = await openOrders({ database: home, poolSize: 2, workers: false })
    closing.push(() => orders.close())
    const late = await stragglerOn(home)
    expect(await late.moves.waitingFor('follows', 'copying')).toEqual([late.node])
  })
})
