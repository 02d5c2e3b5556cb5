import type { Clock } from '../core/clock.ts'
import type { IdMaker } from '../core/ids.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Queue } from '../queue/port.ts'
import type { FollowStore, PostStore, TimelineStore, UserStore } from './ports.ts'

export interface SocialStores {
  readonly users: UserStore
  readonly follows: FollowStore
  readonly posts: PostStore
  readonly timelines: TimelineStore
}

export interface SocialDeps extends SocialStores {
  readonly queue: Queue
  readonly ids: IdMaker
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}
