import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clock, fakeClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { openMoveStore } from '../../src/engines/postgres/move-store.ts'
import type { Copy } from '../../src/moves/copying.ts'
import { cancel, carryOut } from '../../src/moves/mover.ts'
import type { Move, MovePhase, MoveStore } from '../../src/moves/port.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'

const [pglite] = sqlEngines()
const AT = new Date('2026-03-01T12:00:00Z')
const FROM = { store: 'follows', from: 'the main database' } as const
const NODE = 7

function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

describe('the mover of a store', () => {
  let database: TestDatabase
  let moves: MoveStore
  beforeEach(async () => {
    database = await pglite!.create()
    moves = openMoveStore(database.sql)
  })
  afterEach(() => database.drop())

  async function begin(toUrl = 'postgres://target/'): Promise<Move> {
    expect(await moves.begin({ ...FROM, toUrl }, AT)).toBe(true)
    return (await moves.list())[0]!
  }
  /** A process that serves, and acknowledges when the test says so. */
  async function serving(): Promise<(phase: MovePhase) => Promise<void>> {
    await database.sql.query(`insert into id_nodes (node, owner, leased_until) values ($1, 'test', 'infinity')`, [NODE])
    return async (phase) => await moves.acknowledge({ ...(await moves.list())[0]!, phase }, NODE)
  }
  /** Copies nothing, but tells whenever it might write, after whatever holds it up. */
  function copying(heldUp: Promise<void>) {
    const reached = gate()
    let writes = 0
    const copy: Copy = {
      async copy(_, proceed) {
        reached.open()
        await heldUp
        await proceed()
        writes += 1
        return 0
      },
      mend: async () => 0,
    }
    return { copy, reached: reached.opened, writes: () => writes }
  }
  /** A clock whose sleepers wake at once, after what the test does meanwhile. */
  const waking = (meanwhile: () => Promise<unknown>): Clock => ({
    ...fakeClock(),
    sleep: async () => void (await meanwhile()),
  })
  const phaseOf = async () => (await moves.list())[0]?.phase

  it('is one at a time; another takes over when its lease has ended, and the first writes no more', async () => {
    const move = await begin()
    const [resumed, clock] = [gate(), fakeClock()]
    const slow = copying(resumed.opened)
    const first = carryOut(moves, move, slow.copy, clock, {})
    first.catch(() => undefined)
    await slow.reached
    const second = copying(Promise.resolve())
    const again = () => carryOut(moves, move, second.copy, fakeClock(), {})
    await expect(again()).rejects.toMatchObject({ code: 'move_unfinished' })
    expect(second.writes()).toBe(0)

    await database.sql.query(`update store_moves set leased_until = now() - interval '1 second'`)
    await again()
    expect(await phaseOf()).toBe('done')
    await clock.advance(LIMITS.moveLeaseMs)
    resumed.open()
    await expect(first).rejects.toMatchObject({ code: 'move_unfinished' })
    expect(slow.writes()).toBe(0)
    expect(await phaseOf()).toBe('done')
  })

  it('keeps its lease while it works', async () => {
    const move = await begin()
    const clock = fakeClock()
    const untilEnd = async () =>
      (
        await database.sql.query<{ ms: number }>(
          'select extract(epoch from leased_until - now())::float8 * 1000 as ms from store_moves',
        )
      )[0]!.ms
    const copy: Copy = {
      async copy(_, proceed) {
        await database.sql.query(`update store_moves set leased_until = now() + interval '1 second'`)
        await clock.advance(LIMITS.moveLeaseMs / 2)
        await proceed()
        expect(await untilEnd()).toBeGreaterThan(LIMITS.moveLeaseMs / 2)
        return 0
      },
      mend: async () => 0,
    }
    await carryOut(moves, move, copy, clock, {})
    expect(await moves.lease({ moveId: move.moveId, phase: 'done' }, 'somebody else', 1)).toBe(true)
  })

  it('is stopped by a cancel, which ends when he has let go: no other move begins before', async () => {
    const acknowledge = await serving()
    const move = await begin()
    await acknowledge('copying')
    const [resumed, clock] = [gate(), fakeClock()]
    const slow = copying(resumed.opened)
    const first = carryOut(moves, move, slow.copy, clock, {})
    first.catch(() => undefined)
    await slow.reached

    let waits = 0
    const cancelling = cancel(
      moves,
      'follows',
      waking(async () => {
        waits += 1
        if (waits === 1) await acknowledge('cancelled')
        if (waits < 5) return
        // Everybody has followed, yet the mover might still write.
        expect(await moves.begin({ ...FROM, toUrl: 'postgres://other/' }, AT)).toBe(false)
        await clock.advance(1_000)
        resumed.open()
        await first.catch(() => undefined)
      }),
      {},
    )
    await cancelling
    expect(waits).toBe(5)
    await expect(first).rejects.toMatchObject({ code: 'move_unfinished' })
    expect(slow.writes()).toBe(0)
    expect(await moves.list()).toEqual([])
  })

  it('does not take the acknowledgements of another move for its own', async () => {
    const acknowledge = await serving()
    const move = await begin()
    const nothing = copying(Promise.resolve())
    const clock = fakeClock()
    const sleeping = gate()
    const resumed = gate()
    const halting: Clock = {
      ...clock,
      async sleep() {
        sleeping.open()
        await resumed.opened
      },
    }
    const first = carryOut(moves, move, nothing.copy, halting, {})
    first.catch(() => undefined)
    await sleeping.opened
    // As if it had been halted for so long that everybody else has gone on without it.
    await moves.forget(move.moveId)
    const other = await begin('postgres://other/')
    await acknowledge('copying')
    await clock.advance(LIMITS.moveLeaseMs)
    resumed.open()
    await expect(first).rejects.toMatchObject({ code: 'move_unfinished' })
    expect(nothing.writes()).toBe(0)
    expect(await moves.list()).toEqual([other])
    expect(await moves.advance(move.moveId, 'copying', 'switched')).toBe(false)
    await moves.acknowledge({ moveId: move.moveId, phase: 'done' }, NODE)
    expect(await moves.waitingFor('follows', 'copying')).toEqual([])
  })

  it('goes back from the new engine by a phase in which everybody writes both and reads the old one', async () => {
    const acknowledge = await serving()
    const { moveId } = await begin()
    await moves.advance(moveId, 'copying', 'switched')
    await acknowledge('switched')
    const seen: (MovePhase | undefined)[] = []
    const clock = waking(async () => {
      const phase = (await phaseOf())!
      seen.push(phase)
      if (seen.length % 2 === 0) await acknowledge(phase)
    })
    await cancel(moves, 'follows', clock, {})
    expect(seen).toEqual(['returning', 'returning', 'cancelled', 'cancelled'])
    expect(await moves.list()).toEqual([])
  })

  it('is cancelled to its end by the next when the one who cancelled is gone', async () => {
    const acknowledge = await serving()
    const { moveId } = await begin()
    await moves.advance(moveId, 'copying', 'switched')
    const stop = new AbortController()
    const stopping = waking(async () => stop.abort())
    await expect(cancel(moves, 'follows', stopping, { signal: stop.signal })).rejects.toThrow()
    expect(await phaseOf()).toBe('returning')
    await expect(
      carryOut(
        moves,
        { ...(await moves.list())[0]!, phase: 'switched' },
        copying(Promise.resolve()).copy,
        stopping,
        {},
      ),
    ).rejects.toMatchObject({ code: 'move_unfinished' })
    await cancel(
      moves,
      'follows',
      waking(async () => await acknowledge((await phaseOf())!)),
      {},
    )
    expect(await moves.list()).toEqual([])
  })
})
