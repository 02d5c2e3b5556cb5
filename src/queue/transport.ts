import type { Closable } from '../core/lifecycle.ts'
import type { DeadLetter, Lane, Message, TopicDepth } from './port.ts'

/** A message as it is stored: with its id, a lane, and its payload as JSON text (checked and measured already). */
export interface StoredMessage {
  readonly id: string
  readonly topic: string
  readonly lane: Lane
  readonly key: string
  readonly payloadJson: string
  readonly delayMs: number
}

/**
 * What a broker must offer so that `createQueue` makes a {@link Queue} of it. Tries, backoff, dead letters, lanes,
 * concurrency and closing are decided above it, once for all brokers.
 */
export interface QueueTransport extends Closable {
  /** Calls of `send` under way at the same time that pay off. */
  readonly sendConcurrency: number
  /** Stores all of them durably. A throw means that any of them may or may not be stored. */
  send(messages: readonly StoredMessage[]): Promise<void>
  /** `most`: the worker never holds more messages at a time. */
  subscribe(topic: string, lane: Lane, most: number): Subscription
  /**
   * Messages of a topic waiting or under way, counted up to `most`. A broker that can't tell what other processes hold
   * leaves that out.
   */
  depth(topic: string, most: number): Promise<number>
  /** Newest first, at most `limit`; of the oldest {@link LIMITS.deadLettersReadMax} where they can't be searched. */
  deadLetters(topic: string | undefined, limit: number, lane: Lane | undefined): Promise<DeadLetter[]>
  /**
   * Makes dead letters fresh messages at attempt 1; answers how many. Safe to repeat and to run side by side; a crash may
   * leave some in both places, none in neither.
   */
  redrive(topic: string, ids: readonly string[] | undefined): Promise<number>
  depths(): Promise<TopicDepth[]>
}

/**
 * One lane of one topic as this process takes from it. Every message received is answered exactly once, with the very
 * object that was received, by `ack`, `retry`, `bury` or `giveBack`. All four may be repeated after a failure: once
 * another worker holds the message they change nothing (an `ack` may still remove it, since it was handled).
 *
 * A database does each in one step. A broker writes the message anew and only then takes the old one away: a crash in
 * between, or an answer that is repeated because its confirmation was lost, leaves two of it. Never lost, at worst twice.
 */
export interface Subscription extends Closable {
  /**
   * A received message is ours this long, and again from each `extend`. `undefined`: it is ours while the connection
   * lives, `extend` is not called, and nobody is told when the connection, and with it the message, was lost.
   */
  readonly leaseMs: number | undefined
  /** Waits for messages; answers 1 to `max` of them. None only when `signal` aborts. */
  receive(max: number, signal: AbortSignal): Promise<Message[]>
  /** Handled: gone for good. */
  ack(messages: readonly Message[]): Promise<void>
  /** Comes again after `delayMs`, as the next attempt. */
  retry(message: Message, delayMs: number, reason: string): Promise<void>
  /** To the dead letters; never in none of the two places. */
  bury(message: Message, reason: string): Promise<void>
  /** Not tried: comes again at once, to anybody, as the same attempt. */
  giveBack(messages: readonly Message[]): Promise<void>
  /** Renews the leases; answers the messages that were lost to another worker. */
  extend(messages: readonly Message[]): Promise<Message[]>
}
