import type { Backoff } from '../core/retry.ts'
import type { Queue } from '../queue/port.ts'

/** What the suite asks of a queue that it opens; times are short so that real servers answer within a test. */
export interface QueueTestOptions {
  readonly leaseMs: number
  readonly triesMax: number
  readonly backoff: Backoff
  readonly depthMax?: number
}

/** What only some brokers can do. */
export interface QueueCapabilities {
  /** Whether `depths` counts what other processes have fetched too; without, it counts what this one has. */
  readonly countsWorkElsewhere: boolean
}

export interface QueueHarness {
  readonly capabilities?: Partial<QueueCapabilities>
  /** Opens one more queue on the same broker, as another process would. */
  open(options: QueueTestOptions): Promise<Queue>
  close(): Promise<void>
}
