import { variableOf } from '../../core/config.ts'
import { AppError } from '../../core/errors.ts'
import { type Closable, startLoop } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import { parseUrl, redactUrl } from '../../engines/registry.ts'
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

const LOOK_MS = 1_000

/** Whoever looks for moves there has the same one, by whatever URL. */
const MAIN_DATABASE = 'the main database'

/** Moves of stores between engines, while they are used. */
export interface Moves {
  list(): Promise<readonly Move[]>
  /**
   * Copies a store to another engine and switches to it; resumes a move to the same URL. Throws `move_unfinished`, also
   * while another carries it out, `engine_unreachable`, `engine_unsupported`, `driver_missing`, `invalid_config`.
   */
  move(store: MovableStore, toUrl: string, options?: MoveOptions): Promise<Moved>
  /** Goes back to the old engine and stops who carries the move out. Throws `move_unfinished` when it is done or none. */
  cancel(store: MovableStore, options?: MoveOptions): Promise<void>
  /**
   * Forgets a move that is done, once every configuration names the new URL. Throws `move_unfinished` while it is not,
   * or while a process has not followed.
   */
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
          if (phase === 'copying' || phase === 'returning') return await place.to(inBoth(home, target))
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

  function homeOf(store: MovableStore): string {
    const engine = base.engineOf(store)
    return engine === base.engineOf('moves') ? MAIN_DATABASE : placeOf(engine.url)
  }

  let looking: Promise<void> = Promise.resolve()
  /**
   * Acts by the phase of every move, one look after the other, so that none acts by a phase that is over. Throws the
   * first failure, or that of the one store that is named.
   */
  function look(only?: MovableStore): Promise<void> {
    const looked = looking.then(async () => {
      const failures = await actByAll()
      for (const [store, error] of failures) if (only === undefined || only === store) throw error
    })
    looking = looked.catch(() => undefined)
    return looked
  }
  async function actByAll(): Promise<Map<MovableStore, unknown>> {
    const isLate = isUnheard()
    const askedAt = performance.now()
    const list = await knownMoves(moves, base.options.readOnly === true)
    // Whatever is asked of it, the mover waits for this process to do it; not when it was away for too long.
    if (!isLate) heardAt = askedAt
    const failures = new Map<MovableStore, unknown>()
    for (const move of list) {
      try {
        await actBy(move)
      } catch (error) {
        failures.set(move.store, error)
      }
    }
    if (failures.size === 0) heardAt = askedAt
    return failures
  }
  async function actBy(move: Move): Promise<void> {
    const state = `${move.moveId} ${move.phase}`
    if (seen.get(move.store) === state) return
    refuseElsewhere(move)
    await movers[move.store].act(move)
    if (base.options.readOnly !== true) await moves.acknowledge(move, base.node)
    seen.set(move.store, state)
    logger.info({ store: move.store, phase: move.phase }, `${move.store} move: ${move.phase}`)
  }
  function refuseElsewhere({ store, phase, from, toUrl }: Move): void {
    // Done, the move alone says where the store is; cancelled, each configuration does again.
    if (phase === 'done' || phase === 'cancelled' || homeOf(store) === from) return
    const variable = variableOf(`${store}Url`)
    throw new AppError(
      'invalid_config',
      `${store} move from ${from} to ${redactUrl(toUrl)}, but this process has them at ${homeOf(store)}: ` +
        `let ${variable} name the former until the move is done, or cancel it by a process whose ${variable} ` +
        `does: fanfold move ${store} --cancel`,
    )
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
        const move = (await find(store)) ?? (await begin(store, toUrl))
        if (move.toUrl !== toUrl || move.phase === 'returning' || move.phase === 'cancelled') throw isUnderWay(move)
        await look(store)
        return await carryOut(moves, move, await movers[store].copyTo(toUrl), clock, options)
      },
      cancel: (store, options = {}) => cancel(moves, store, clock, options),
      async forget(store) {
        const move = await find(store)
        if (move?.phase !== 'done') {
          const state = move === undefined ? 'there is none' : `it is ${move.phase}`
          throw new AppError('move_unfinished', `Only a move that is done can be forgotten; of ${store}, ${state}`)
        }
        const waiting = await moves.waitingFor(store, 'done')
        if (waiting.length > 0)
          throw new AppError('move_unfinished', `${waiting.length} processes have not followed the move yet: try again`)
        await moves.forget(move.moveId)
      },
    },
  }

  async function find(store: MovableStore): Promise<Move | undefined> {
    return (await moves.list()).find((move) => move.store === store)
  }
  async function begin(store: MovableStore, toUrl: string): Promise<Move> {
    if (placeOf(toUrl) === placeOf(base.engineOf(store).url))
      throw new AppError('invalid_config', `${store} live at ${redactUrl(toUrl)} already`)
    await movers[store].copyTo(toUrl)
    await moves.begin({ store, from: homeOf(store), toUrl }, new Date(clock.now()))
    const begun = await find(store)
    if (begun === undefined) throw new AppError('move_unfinished', `The move of ${store} was cancelled`)
    return begun
  }
}

/** Where a URL leads, whoever goes there. */
function placeOf(url: string): string {
  const place = parseUrl(url)
  place.username = ''
  place.password = ''
  return place.href
}

function isUnderWay({ store, toUrl, phase }: Move): AppError {
  const advice =
    phase === 'done'
      ? `when every configuration names it, run: fanfold move ${store} --forget`
      : phase === 'returning' || phase === 'cancelled'
        ? `to end that, run: fanfold move ${store} --cancel`
        : `resume it with that URL, or run: fanfold move ${store} --cancel`
  return new AppError('move_unfinished', `There is a move of ${store} to ${redactUrl(toUrl)} (${phase}); ${advice}`)
}
