import Type from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { UserId } from '../../social/schemas.ts'
import type { Social } from '../../social/social.ts'
import { TIMELINE_ORDERS } from '../../social/timelines/feed.ts'
import type { TimelineEvent } from '../../social/timelines/news.ts'
import { TimelineExplanation, TimelinePage } from '../../social/timelines/schemas.ts'
import { type HttpApp, pagedQuery, problems, type Routes } from '../route.ts'
import { type ServerSentEvent, sendEvents } from '../sse.ts'
import { PostParams, tags, UserParams } from './social-params.ts'

const strict = { additionalProperties: false }
const token = (description: string) => Type.Optional(Type.String({ maxLength: LIMITS.cursorCharsMax, description }))

const TimelineQuery = pagedQuery({
  newer: token('newer_token of an earlier answer: what came since then instead of a page; not together with cursor'),
  order: Type.Optional(
    Type.Enum([...TIMELINE_ORDERS], {
      description: 'ranked: in the order of the ranking function this server was given; without one as newest',
    }),
  ),
})
const StreamQuery = Type.Object(
  { newer: token('newer_token to go on from; the header Last-Event-ID, which browsers send, wins over it') },
  strict,
)
const ExplainParams = Type.Object({ user_id: UserId, ...PostParams.properties })

export interface TimelineRouteOptions {
  /** {@link LIMITS.streamHeartbeatMs} unless a test says otherwise. */
  readonly heartbeatMs?: number | undefined
}

/** Home timelines: pages, what came since, live, and why. */
export function timelineRoutes(social: Social, options: TimelineRouteOptions = {}): Routes {
  return (app) => {
    app.get(
      '/v1/users/:user_id/timeline',
      {
        config: { scope: 'social:read' },
        schema: {
          operationId: 'getTimeline',
          summary: 'Read a home timeline, newest first',
          description:
            'Posts of the user and of everybody followed. A page is shorter than its limit only at the end, and a walk ' +
            'by cursor shows each post once, whatever is published meanwhile. With newer, what came since an earlier ' +
            'answer: the newest posts, late ones included, at most limit; gap says that there may be more.',
          tags,
          params: UserParams,
          querystring: TimelineQuery,
          response: { 200: TimelinePage, ...problems },
        },
      },
      async ({ params, query }) => social.timeline(params.user_id, query),
    )
    app.get(
      '/v1/users/:user_id/timeline/explain/:post_id',
      {
        config: { scope: 'social:read' },
        schema: {
          operationId: 'explainTimeline',
          summary: 'Why a post is or is not in a home timeline',
          tags,
          params: ExplainParams,
          response: { 200: TimelineExplanation, ...problems },
        },
      },
      async ({ params }) => social.explainTimeline(params.user_id, params.post_id),
    )
    streamRoute(app, social, options.heartbeatMs ?? LIMITS.streamHeartbeatMs)
  }
}

function present(event: TimelineEvent): ServerSentEvent {
  const { type, newer_token } = event
  const data =
    event.type === 'post' ? event.post : event.type === 'gap' ? { next_cursor: event.next_cursor } : { newer_token }
  return { id: newer_token, event: type, data }
}

function lastEventId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header : undefined
}

function streamRoute(app: HttpApp, social: Social, heartbeatMs: number): void {
  const open = new Set<AbortController>()
  app.addHook('preClose', async () => {
    for (const connection of open) connection.abort()
  })
  app.get(
    '/v1/users/:user_id/timeline/stream',
    {
      config: { scope: 'social:read', stream: true },
      exposeHeadRoute: false,
      schema: {
        operationId: 'streamTimeline',
        summary: 'What comes to a home timeline, as it comes',
        description:
          'Server-sent events, each with a token as its id: sent as Last-Event-ID or newer, the stream goes on behind ' +
          'that event; without one it begins now. position {newer_token} tells where it begins; post is a Post, the ' +
          'oldest first; gap {next_cursor}: more came than the posts that follow, the cursor leads to what lies below ' +
          'them; reset {newer_token}: the token said nothing any more, read the first page anew. A post may come ' +
          'twice, none is left out. A client that does not keep up is cut off, and goes on when it connects again.',
        tags,
        params: UserParams,
        querystring: StreamQuery,
        response: {
          200: {
            description: 'Events, until the client goes away, the user is erased, or the server is shut down',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const header = lastEventId(request.headers['last-event-id'])
      const connection = new AbortController()
      reply.raw.once('close', () => connection.abort())
      // The client may have gone while its key was looked up.
      if (reply.raw.destroyed) connection.abort()
      open.add(connection)
      try {
        const stream = social.timelineStream(request.params.user_id, {
          newer: header ?? request.query.newer,
          pointer: header === undefined ? 'query/newer' : 'header/last-event-id',
          signal: connection.signal,
        })
        await sendEvents(reply, stream, present, heartbeatMs)
      } finally {
        open.delete(connection)
      }
    },
  )
}
