import { AppError } from '../../core/errors.ts'
import { type Closable, startLoop } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import { redactUrl } from '../../engines/registry.ts'
import { followsCopy } from '../../moves/copy-follows.ts'
import { timelinesCopy } from '../../moves/copy-timelines.ts'
import type { Copy } from '../../moves/copying.ts'
import { inBothFollows } from '../../moves/follows.ts'
import { cancel, carryOut, type Moved, type MoveOptions } from '../../moves/mover.ts'
import type { MovableStore, Move } from '../../moves/port.ts'
import { createSwitch } from '../../moves/switch.ts'
import { inBothTimelines } from '../../moves/timelines.ts'
import type { FollowStore, TimelineStore } from '../../social/ports.ts'
import type { Base } from '../base.ts'
import { knownMoves } from '../known-moves.ts'
import { storeUrl } from '../stores.ts'

const LOOK_MS = 1_000

/** Moves of stores between engines, while they are used. */
export interface Moves {
  list(): Promise<readonly Move[]>
  /**
   * Copies a store to another engine and switches to it; resumes a move to the same URL. Throws `move_unfinished`,
   * `engine_unreachable`, `engine_unsupported`, `driver_missing`, `invalid_config`.
   */
  move(store: MovableStore, toUrl: string, options?: MoveOptions): Promise<Moved>
  /** Goes back to the old engine. Throws `move_unfinished` when the move is done, or there is none. */
  cancel(store: MovableStore, options?: MoveOptions): Promise<void>
  /** Forgets a move that is done, once every configuration names the new URL. Throws `move_unfinished` while it is not. */
  forget(store: MovableStore): Promise<void>
}

export interface MovesPart {
  /** These stand for the stores wherever they are. */
  readonly follows: FollowStore
  readonly timelines: TimelineStore
  readonly moves: Moves
}

/** One store that can move, as this process sees it. */
interface Mover {
  /** Acts by the phase of the move; resolves when nothing begun earlier is under way. */
  act(move: Move): Promise<void>
  /** Copies from where the store is to where it goes. */
  copyTo(url: string): Promise<Copy>
}

export async function openMovesPart(base: Base): Promise<MovesPart> {
  const moves = await base.open('moves')
  const users = await base.open('users')
  const { clock, logger } = base
  let heardAt = performance.now()
  const isUnheard = () => performance.now() - heardAt > LIMITS.moveUnheardMsMax
  const refusal = () => (isUnheard() ? 'The database has not said for long whether this store moves' : undefined)

  async function open<Name extends MovableStore, Store extends FollowStore | TimelineStore>(
    name: Name,
    openAt: (url: string | undefined) => Promise<Store>,
    inBoth: (leading: Store, following: Store) => Store,
    copy: (from: Store, to: Store) => Copy,
  ): Promise<{ store: Store; mover: Mover }> {
    let home = await openAt(undefined)
    const place = createSwitch(home, refusal)
    return {
      store: place.store,
      mover: {
        async act({ phase, toUrl }) {
          if (phase === 'cancelled') return await place.to(home)
          const target = await openAt(toUrl)
          if (phase === 'copying') return await place.to(inBoth(home, target))
          if (phase === 'switched') return await place.to(inBoth(target, home))
          await place.to(target)
          await base.moved(name, toUrl)
          home = target
        },
        copyTo: async (url) => copy(home, await openAt(url)),
      },
    }
  }

  const follows = await open(
    'follows',
    (url) => (url === undefined ? base.open('follows') : base.openAt('follows', url)),
    inBothFollows,
    (from, to) => followsCopy(users, from, to, clock),
  )
  const timelines = await open(
    'timelines',
    (url) => (url === undefined ? base.open('timelines') : base.openAt('timelines', url)),
    inBothTimelines,
    (from, to) => timelinesCopy(users, from, to, clock),
  )
  const movers: Readonly<Record<MovableStore, Mover>> = { follows: follows.mover, timelines: timelines.mover }
  const seen = new Map<MovableStore, string>()

  async function look(): Promise<void> {
    const list = await knownMoves(moves, base.options.readOnly === true)
    for (const move of list) {
      const state = `${move.phase} ${move.startedAt.getTime()}`
      if (seen.get(move.store) === state) continue
      await movers[move.store].act(move)
      await acknowledge(move)
      seen.set(move.store, state)
      logger.info({ store: move.store, phase: move.phase }, `${move.store} move: ${move.phase}`)
    }
    heardAt = performance.now()
  }
  async function acknowledge({ store, phase }: Move): Promise<void> {
    if (base.options.readOnly !== true) await moves.acknowledge(store, base.node, phase)
  }
  // Before anything is read or written: a move may be under way.
  await look()
  const watch: Closable = startLoop({
    name: 'moves of stores',
    logger,
    async step() {
      await look()
      return LOOK_MS
    },
  })
  base.lifecycle.own('moves', watch)

  return {
    follows: follows.store,
    timelines: timelines.store,
    moves: {
      list: () => moves.list(),
      async move(store, toUrl, options = {}) {
        const found = (await moves.list()).find((move) => move.store === store)
        if (found === undefined) await begin(store, toUrl)
        else if (found.toUrl !== toUrl || found.phase === 'cancelled') throw isUnderWay(found)
        await look()
        return await carryOut(moves, store, await movers[store].copyTo(toUrl), clock, options)
      },
      cancel: (store, options = {}) => cancel(moves, store, clock, options),
      async forget(store) {
        const found = (await moves.list()).find((move) => move.store === store)
        if (found?.phase !== 'done') {
          const state = found === undefined ? 'there is none' : `it is ${found.phase}`
          throw new AppError('move_unfinished', `Only a move that is done can be forgotten; of ${store}, ${state}`)
        }
        await moves.forget(store)
      },
    },
  }

  async function begin(store: MovableStore, toUrl: string): Promise<void> {
    if (toUrl === storeUrl(base.config, store))
      throw new AppError('invalid_config', `${store} live at ${redactUrl(toUrl)} already`)
    await movers[store].copyTo(toUrl)
    if (!(await moves.begin({ store, toUrl }, new Date(clock.now())))) throw isUnderWay({ store, toUrl })
  }
}

function isUnderWay({ store, toUrl, phase }: Pick<Move, 'store' | 'toUrl'> & Partial<Pick<Move, 'phase'>>): AppError {
  const state = phase === undefined ? 'under way' : phase
  const advice =
    phase === 'done'
      ? `when every configuration names it, run: fanfold move ${store} --forget`
      : `resume it with that URL, or run: fanfold move ${store} --cancel`
  return new AppError('move_unfinished', `There is a move of ${store} to ${redactUrl(toUrl)} (${state}); ${advice}`)
}
