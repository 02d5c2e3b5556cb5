import type { DeliveryMode } from './posts.ts'

export interface Fanout {
  readonly postId: bigint
  readonly authorId: string
  readonly mode: DeliveryMode
  readonly timestamp: Date
  /** Raised by {@link FanoutLedger.reopen}: what was begun in an earlier round is not recorded in a later one. */
  readonly round: number
  readonly plannedChunks: number
  /** True when no more chunks will be added. */
  readonly planned: boolean
  /** The last key of the last planned chunk; absent when there is none or it goes to the end. */
  readonly plannedUpTo: string | undefined
  readonly done: boolean
}

export interface ChunkRef {
  readonly postId: bigint
  readonly chunk: number
}

/** A chunk that is planned and not done. */
export interface Chunk extends ChunkRef {
  readonly authorId: string
  readonly timestamp: Date
  readonly round: number
  /** Followers above this key; absent: from the start. */
  readonly after: string | undefined
  /** Followers not above this key; absent: to the end. */
  readonly upTo: string | undefined
}

/** followersScanned = delivered + duplicate + inactive. */
export interface DeliveryCounts {
  readonly delivered: number
  readonly duplicate: number
  readonly inactive: number
}

export interface WholeDone extends DeliveryCounts {
  readonly postId: bigint
  readonly round: number
}

export interface ChunkDone extends WholeDone {
  readonly chunk: number
}

export interface FanoutState extends DeliveryCounts {
  readonly mode: DeliveryMode
  readonly followersScanned: number
  readonly plannedChunks: number
  /** True when no more chunks will be added. */
  readonly planned: boolean
  readonly doneChunks: number
  readonly doneAt: Date | undefined
}

/** What was done twice is recorded once; nothing is done before every chunk of a complete plan is. */
export interface FanoutLedger {
  /** Those of the posts that are not gone, in no particular order. */
  find(postIds: readonly bigint[]): Promise<Fanout[]>
  /**
   * Adds the next chunks: each ends at its key, the last one of a finished plan at `undefined`. False, and nothing
   * changed, when the plan does not stand there any more (another planner was faster, or the round is over).
   */
  plan(
    at: Pick<Fanout, 'postId' | 'round' | 'plannedChunks'>,
    upTo: readonly (string | undefined)[],
    finished: boolean,
  ): Promise<boolean>
  /**
   * Records fan-outs that were done in one piece without a plan. True for each that was recorded; false when there is a
   * plan, it is done, or its round is over. Each post once in a call.
   */
  finishWhole(items: readonly WholeDone[], at: Date): Promise<boolean[]>
  /** Those of the chunks that are planned and not done, in no particular order. */
  chunks(refs: readonly ChunkRef[]): Promise<Chunk[]>
  /** Chunks of a post that are planned and not done. */
  openChunks(postId: bigint): Promise<number[]>
  /**
   * Records chunks, each once in a call. `recorded` is false for those recorded before or of a round that is over;
   * `postDone` is true when a post is done with this call.
   */
  finishChunks(items: readonly ChunkDone[], at: Date): Promise<{ recorded: boolean; postDone: boolean }[]>
  /** The posts are in the queue: the sweeper need not look at those that are not done before this moment. */
  enqueued(postIds: readonly bigint[], lookAgainAt: Date): Promise<void>
  /** Pending posts whose time has come; each is handed to one caller and comes again after twice the wait. */
  claimPending(now: Date, firstWaitMs: number, limit: number): Promise<bigint[]>
  /** Which of these posts are not done. */
  pending(postIds: readonly bigint[]): Promise<bigint[]>
  /** How many posts are not done, counted no further than `max`, and when the oldest of them was published. */
  backlog(max: number): Promise<{ readonly posts: number; readonly oldest: Date | undefined }>
  state(postId: bigint): Promise<FanoutState | undefined>

  /**
   * What {@link TimelineStore.incarnation} was when last looked at, and when that was; absent before the first
   * {@link FanoutLedger.confirm}.
   */
  incarnation(): Promise<{ readonly value: string; readonly confirmedAt: Date } | undefined>
  confirm(incarnation: string, at: Date): Promise<void>
  /**
   * Begins a new round of every fan-out that is not done or was done after a moment; answers how many. Nothing that
   * was begun before is recorded afterwards.
   */
  reopen(doneSince: Date, at: Date): Promise<number>
}
