import Type, { type Static } from 'typebox'
import type { Metrics } from '../../core/metrics.ts'
import { problems, type Routes } from '../route.ts'

const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const total = (description: string) => Type.Integer({ description: `${description}, since the start` })
const milliseconds = (description: string) =>
  orNull(Type.Number({ description: `${description}, in milliseconds, estimated; null when there was none` }))

const figureFields = {
  requests: total('Requests answered, streams left out'),
  request_errors: total('Requests answered with a 5xx'),
  request_p50_ms: milliseconds('Median time of the answers of the last minute'),
  request_p99_ms: milliseconds('Time that 99 of 100 answers of the last minute took at most'),
  appended_events: total('Events appended to the logs of orders and payments'),
  projected_events: total('Events folded into read models'),
  fanout_deliveries: total('Timeline entries written by fan-out'),
  fanout_backlog_posts: orNull(
    Type.Integer({
      description: 'Posts whose fan-out is not done, up to 10,000; null when this process has no workers',
    }),
  ),
  fanout_backlog_seconds: orNull(Type.Number({ description: 'Age of the oldest of them; null likewise' })),
  fanout_staleness_p50_ms: milliseconds(
    'Median time from publishing to the last delivery, of those of the last minute',
  ),
  fanout_staleness_p99_ms: milliseconds('The same for 99 of 100'),
  timeline_streams: Type.Integer({ description: 'Open streams of timelines' }),
}
export const Figures = Type.Object(figureFields, {
  title: 'SystemFigures',
  description: 'What this process counted; of other processes it knows nothing',
})
export type Figures = Static<typeof Figures>

export const Samples = Type.Object(
  {
    interval_ms: Type.Integer({ description: 'Time between two samples' }),
    items: Type.Array(Type.Object({ at: Type.String({ format: 'date-time' }), ...figureFields })),
  },
  { title: 'SystemSamples', description: 'Figures of the last 15 minutes, oldest first' },
)
export type Samples = Static<typeof Samples>

/** What may be wrong, the worst first. */
export const SYSTEM_PROBLEMS = [
  'engine_down',
  'quarantined_streams',
  'projection_stuck',
  'dead_letters',
  'operations_in_review',
  'fanout_late',
  'projection_lag',
  'webhooks_late',
  'state_unknown',
] as const

/** How far each part of a running Fanfold is; everything an operator looks at first. */
export const SystemStatus = Type.Object(
  {
    version: Type.String({ description: 'Version of Fanfold' }),
    started_at: Type.String({ description: 'When this process started' }),
    workers: Type.Boolean({ description: 'Whether this process runs background work' }),
    engines: Type.Array(
      Type.Object({
        name: Type.String(),
        url: Type.String({ description: 'Without its password' }),
        stores: Type.Array(Type.String(), { description: 'What it is used for' }),
        version: Type.Union([Type.String(), Type.Null()]),
        ok: Type.Boolean(),
        error: Type.Optional(Type.String({ description: 'Why not; absent when it is' })),
      }),
    ),
    projections: Type.Array(
      Type.Object({
        name: Type.String(),
        log: Type.String(),
        generation: Type.Integer(),
        building: Type.Union([Type.Integer(), Type.Null()], { description: 'Generation that a rebuild is filling' }),
        lag: Type.Integer({ description: 'Events appended but not yet folded' }),
        quarantined: Type.Integer({ description: 'Streams set aside because an event could not be folded' }),
      }),
    ),
    queue: Type.Array(
      Type.Object({
        topic: Type.String(),
        lane: Type.String(),
        depth: Type.Integer({ description: 'Messages waiting or under way' }),
        dead_letters: Type.Integer(),
      }),
    ),
    webhooks: orNull(
      Type.Object(
        {
          waiting: Type.Integer({ description: 'Webhooks not delivered yet, up to 10,000' }),
          late_seconds: Type.Number({ description: 'How long the one that has been due longest has been due' }),
        },
        { description: 'null when the database is away' },
      ),
    ),
    figures: Figures,
    problems: Type.Array(
      Type.Object({
        code: Type.Enum([...SYSTEM_PROBLEMS], { description: 'What kind of problem it is' }),
        message: Type.String({ description: 'What is wrong, and with what' }),
        what_to_do: Type.String({ description: 'What helps' }),
      }),
      { description: 'What is wrong, the worst first; empty when all is well' },
    ),
  },
  { title: 'SystemStatus', description: 'State of the system' },
)
export type SystemStatus = Static<typeof SystemStatus>

export const Readiness = Type.Object(
  {
    ready: Type.Boolean(),
    problems: Type.Array(Type.String()),
  },
  { title: 'Readiness' },
)
export type Readiness = Static<typeof Readiness>

export interface SystemSource {
  readonly metrics: Metrics
  /** Answers within {@link LIMITS.systemCheckMsMax}, whatever is away. */
  status(): Promise<SystemStatus>
  samples(): Samples
  /** Whether requests can be served now: engines reachable, schema up to date, not shutting down. */
  readiness(): Promise<Readiness>
}

export function systemRoutes(source: SystemSource): Routes {
  return (app) => {
    app.get(
      '/livez',
      {
        config: { scope: 'public' },
        schema: {
          operationId: 'live',
          summary: 'Whether the process runs',
          tags: ['system'],
          security: [],
          response: { 200: Type.Object({ live: Type.Literal(true) }) },
        },
      },
      async () => ({ live: true as const }),
    )
    app.get(
      '/readyz',
      {
        config: { scope: 'public' },
        schema: {
          operationId: 'ready',
          summary: 'Whether requests can be served',
          tags: ['system'],
          security: [],
          response: { 200: Readiness, 503: Readiness },
        },
      },
      async (_request, reply) => {
        const readiness = await source.readiness()
        return reply.code(readiness.ready ? 200 : 503).send(readiness)
      },
    )
    app.get('/openapi.json', { config: { scope: 'public' }, schema: { hide: true } }, async () => app.swagger())
    app.get(
      '/metrics',
      {
        config: { scope: 'admin:read' },
        schema: {
          operationId: 'metrics',
          summary: 'Figures in the Prometheus text format',
          tags: ['system'],
          response: { 200: Type.String({ description: 'Prometheus text format' }), ...problems },
        },
      },
      async (_request, reply) => {
        await source.status()
        return reply.type(source.metrics.registry.contentType).send(await source.metrics.registry.metrics())
      },
    )
    app.get(
      '/v1/system',
      {
        config: { scope: 'admin:read' },
        schema: {
          operationId: 'system',
          summary: 'Engines, projection lag, queue depth, figures, and what is wrong',
          tags: ['system'],
          response: { 200: SystemStatus, ...problems },
        },
      },
      async () => source.status(),
    )
    app.get(
      '/v1/system/samples',
      {
        config: { scope: 'admin:read' },
        schema: {
          operationId: 'systemSamples',
          summary: 'Figures of this process over the last 15 minutes',
          tags: ['system'],
          response: { 200: Samples, ...problems },
        },
      },
      async () => source.samples(),
    )
  }
}
