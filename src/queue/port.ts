import type { Closable } from '../core/lifecycle.ts'

/**
 * The queue: work that may run in parallel and may run twice. Handlers are idempotent. Nothing that was published is
 * lost, nothing is dropped silently: a message ends by being handled, or as a dead letter with its reason. Whatever
 * breaks, a message is at worst handled twice, or both handled and a dead letter.
 *
 * Small work takes the lane `small`, a chunk of a big job the lane `bulk`; workers serve both, so a big job never delays
 * a small one by more than the chunk under way.
 */
export type Lane = 'small' | 'bulk'
export const LANES: readonly Lane[] = ['small', 'bulk']

export interface OutgoingMessage {
  readonly topic: string
  /** Messages of one key keep their order on engines that order by key; elsewhere no order is promised. */
  readonly key: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly lane?: Lane
  /** Not handed out before this many milliseconds have passed. */
  readonly delayMs?: number
}

export interface Message {
  readonly id: string
  readonly topic: string
  readonly lane: Lane
  readonly key: string
  readonly payload: Readonly<Record<string, unknown>>
  /** 1 at the first try. */
  readonly attempt: number
}

/** Done when it resolves; a throw means: try again later. Throw a {@link GiveUp} when trying again is pointless. */
export type Handler = (message: Message, signal: AbortSignal) => Promise<void>

/** Thrown by a handler: straight to the dead letters, without more tries. */
export class GiveUp extends Error {
  override readonly name = 'GiveUp'
}

export interface ConsumeOptions {
  /** Handlers under way at the same time in this process, per lane. */
  readonly concurrency?: number
  /** The same on the bulk lane, if not as many. */
  readonly bulkConcurrency?: number
  /** Messages fetched ahead, per lane; twice as many as are handled at the same time unless given. */
  readonly prefetch?: number
}

export interface DeadLetter {
  readonly id: string
  readonly topic: string
  readonly lane: Lane
  readonly key: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly attempts: number
  readonly reason: string
  readonly diedAt: Date
}

export interface TopicDepth {
  readonly topic: string
  readonly lane: Lane
  /** Messages waiting or under way; what other processes have fetched is left out where the broker can't tell. */
  readonly depth: number
  readonly deadLetters: number
}

export interface Queue extends Closable {
  /** All are durable when it resolves; a throw means that any of them may or may not be. */
  publish(messages: readonly OutgoingMessage[]): Promise<void>
  /** Hands out messages until closed; closing waits for the handlers under way and gives back what was fetched ahead. */
  consume(topic: string, handler: Handler, options?: ConsumeOptions): Closable
  /** Newest first; of the oldest {@link LIMITS.deadLettersReadMax} of a lane where the broker can't search them. */
  deadLetters(topic: string | undefined, limit: number, lane?: Lane): Promise<DeadLetter[]>
  /** Puts dead letters back to work (all of a topic, or the given ids); answers how many. May be repeated. */
  redrive(topic: string, ids?: readonly string[]): Promise<number>
  depths(): Promise<TopicDepth[]>
}
