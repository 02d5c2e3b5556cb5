import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * The figures of one running Fanfold, in Prometheus' terms. Labels have few values each: never an id.
 * One object per app, so that two apps in one process do not mix.
 */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    collectProcess: () => collectDefaultMetrics({ register: registry, prefix: 'fanfold_' }),
    httpSeconds: new Histogram({
      name: 'fanfold_http_request_seconds',
      help: 'Time to answer a request',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: SECONDS_BUCKETS,
      registers,
    }),
    projectionLag: new Gauge({
      name: 'fanfold_projection_lag_events',
      help: 'Events appended but not yet folded into a read model',
      labelNames: ['projection'] as const,
      registers,
    }),
    projectedEvents: new Counter({
      name: 'fanfold_projected_events_total',
      help: 'Events folded into a read model',
      labelNames: ['projection'] as const,
      registers,
    }),
    quarantinedStreams: new Gauge({
      name: 'fanfold_quarantined_streams',
      help: 'Streams set aside because an event could not be folded',
      labelNames: ['projection'] as const,
      registers,
    }),
    queueDepth: new Gauge({
      name: 'fanfold_queue_depth',
      help: 'Messages waiting or under way',
      labelNames: ['topic', 'lane'] as const,
      registers,
    }),
    deadLetters: new Gauge({
      name: 'fanfold_dead_letters',
      help: 'Messages given up on',
      labelNames: ['topic', 'lane'] as const,
      registers,
    }),
    handledMessages: new Counter({
      name: 'fanfold_queue_messages_total',
      help: 'Messages handled, by outcome',
      labelNames: ['topic', 'outcome'] as const,
      registers,
    }),
    appendedEvents: new Counter({
      name: 'fanfold_appended_events_total',
      help: 'Events appended to a log',
      labelNames: ['log'] as const,
      registers,
    }),
    fanoutDeliveries: new Counter({
      name: 'fanfold_fanout_deliveries_total',
      help: 'Timeline entries written by fan-out',
      registers,
    }),
    fanoutStalenessSeconds: new Histogram({
      name: 'fanfold_fanout_staleness_seconds',
      help: 'Time from publishing a post to its last delivery',
      buckets: SECONDS_BUCKETS,
      registers,
    }),
    fanoutBacklog: new Gauge({
      name: 'fanfold_fanout_backlog_posts',
      help: 'Posts whose fan-out is not done, up to 10,000',
      registers,
    }),
    fanoutBacklogSeconds: new Gauge({
      name: 'fanfold_fanout_backlog_seconds',
      help: 'Age of the oldest post whose fan-out is not done',
      registers,
    }),
    timelineReads: new Counter({
      name: 'fanfold_timeline_reads_total',
      help: 'Pages of home timelines read: from the timeline (ready), or from the stores because it was not (absent)',
      labelNames: ['from'] as const,
      registers,
    }),
    timelinesAway: new Counter({
      name: 'fanfold_timelines_away_total',
      help: 'Reads and writes that were done without the timelines’ store, because it was away',
      registers,
    }),
    streams: new Gauge({
      name: 'fanfold_timeline_streams',
      help: 'Open streams of timelines',
      registers,
    }),
    streamedPosts: new Counter({
      name: 'fanfold_timeline_streamed_posts_total',
      help: 'Posts handed to streams of timelines',
      registers,
    }),
    streamsCut: new Counter({
      name: 'fanfold_timeline_streams_cut_total',
      help: 'Streams of timelines ended because their reader was too slow',
      registers,
    }),
    webhookTries: new Counter({
      name: 'fanfold_webhook_tries_total',
      help: 'Webhooks sent, by what came of it (delivered, retried, failed)',
      labelNames: ['result'] as const,
      registers,
    }),
    webhooksWaiting: new Gauge({
      name: 'fanfold_webhooks_waiting',
      help: 'Webhooks not delivered yet, up to 10,000',
      registers,
    }),
    webhooksLateSeconds: new Gauge({
      name: 'fanfold_webhooks_late_seconds',
      help: 'How long the webhook that has been due longest has been due',
      registers,
    }),
    operationsInReview: new Counter({
      name: 'fanfold_operations_in_review_total',
      help: 'Payment operations whose outcome nobody can find out but a person',
      labelNames: ['processor'] as const,
      registers,
    }),
    processorSeconds: new Histogram({
      name: 'fanfold_processor_seconds',
      help: 'Time of a call to a payment processor',
      labelNames: ['processor', 'operation', 'outcome'] as const,
      buckets: SECONDS_BUCKETS,
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
