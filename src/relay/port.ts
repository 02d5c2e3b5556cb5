import type { Closable } from '../core/lifecycle.ts'

/** A fact of a model as other teams get it; the JSON of `body` follows the schema of `fanfold.events.v1`. */
export interface RelayedEvent {
  /** The stream (an order, a payment): events of one key keep their order. */
  readonly key: string
  /** The same whenever the event is sent again, so that receivers can tell. */
  readonly id: string
  /** As in webhooks: `order.paid`, `payment.captured`. */
  readonly type: string
  readonly body: string
}

/** A broker as other teams listen to it. */
export interface EventPublisher extends Closable {
  /**
   * Publishes under the name `fanfold.events.v1`, those of one key in the order given. All are durable when it resolves; a
   * throw means that any of them may or may not be, and they are sent again. Never called again before it has settled.
   */
  publish(events: readonly RelayedEvent[]): Promise<void>
}
