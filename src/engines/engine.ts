import type { Clock } from '../core/clock.ts'
import type { IdMaker } from '../core/ids.ts'
import type { Closable } from '../core/lifecycle.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { ApiKeyStore } from '../http/ports.ts'
import type { MoveStore } from '../moves/port.ts'
import type { OrderPorts } from '../orders/ports.ts'
import type { PaymentPorts } from '../payments/ports/ports.ts'
import type { Queue } from '../queue/port.ts'
import type { EventPublisher } from '../relay/port.ts'
import type { FollowStore, PostStore, TimelineStore, UserStore } from '../social/ports.ts'
import type { WebhookStore } from '../webhooks/ports.ts'
import type { MigrationReport } from './sql/migrate.ts'

/** What an engine is given when it is opened. */
export interface EngineContext {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  readonly poolSize: number
}

/** What a port is given when it is opened: ids need the node number, which only a migrated database can lease. */
export interface PortContext extends EngineContext {
  readonly ids: IdMaker
}

/** Every store that a model needs, by the name it has in the configuration. Their promises stand in the ports' files. */
export interface EnginePorts {
  users(context: PortContext): Promise<UserStore>
  posts(context: PortContext): Promise<PostStore>
  follows(context: PortContext): Promise<FollowStore>
  timelines(context: PortContext): Promise<TimelineStore>
  orders(context: PortContext): Promise<OrderPorts>
  payments(context: PortContext): Promise<PaymentPorts>
  queue(context: PortContext): Promise<Queue>
  apiKeys(context: PortContext): Promise<ApiKeyStore>
  webhooks(context: PortContext): Promise<WebhookStore>
  moves(context: PortContext): Promise<MoveStore>
  events(context: PortContext): Promise<EventPublisher>
}

export type PortName = keyof EnginePorts
/** The ports that hold something; each has a URL, or lives in the database. */
export type StoreName = Exclude<PortName, 'events'>

/** A database or broker, opened by a URL. It serves some of the ports; which, it says by having them. */
export interface Engine extends Closable {
  readonly name: string
  /** The URL without its password. */
  readonly url: string
  /** Product and version as the server tells it; throws when it can't be reached. */
  version(): Promise<string>
  /** Brings the schema up to date; safe when many processes do it at once. */
  migrate(options?: { dryRun?: boolean }): Promise<MigrationReport>
  /**
   * Makes the database roles of writers, projectors and auditors, named `<prefix>_writer` and so on, and sets what they
   * may do; repeatable. Engines without roles lack it. Throws `invalid_input`, `role_right_missing`.
   */
  createRoles?(prefix: string): Promise<{ roles: Readonly<Record<string, string>>; created: readonly string[] }>
  /** Numbers of schema steps that are missing. */
  pendingMigrations(): Promise<number>
  /** A node number for the ids of this process, kept while the engine is open. Engines that can't lease lack it. */
  leaseNode?(): Promise<number>
  /** Forgets up to `limit` finished idempotency keys older than `before`; answers how many. */
  pruneKeys?(before: Date, limit: number): Promise<number>
  readonly ports: Partial<EnginePorts>
}
