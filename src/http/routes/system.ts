import Type, { type Static } from 'typebox'
import type { Metrics } from '../../core/metrics.ts'
import { problems, type Routes } from '../route.ts'

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
        error: Type.Optional(Type.String()),
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
    webhooks: Type.Object({
      waiting: Type.Integer({ description: 'Webhooks not delivered yet, up to 10,000' }),
      late_seconds: Type.Number({ description: 'How long the one that has been due longest has been due' }),
    }),
  },
  { description: 'State of the system' },
)
export type SystemStatus = Static<typeof SystemStatus>

export const Readiness = Type.Object({
  ready: Type.Boolean(),
  problems: Type.Array(Type.String()),
})
export type Readiness = Static<typeof Readiness>

export interface SystemSource {
  readonly metrics: Metrics
  status(): Promise<SystemStatus>
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
          summary: 'Engines, projection lag, queue depth',
          tags: ['system'],
          response: { 200: SystemStatus, ...problems },
        },
      },
      async () => source.status(),
    )
  }
}
