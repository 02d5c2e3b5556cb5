import Type from 'typebox'
import { NotificationPage, SeenInput, UserId } from '../../social/schemas.ts'
import type { Social } from '../../social/social.ts'
import { NoContent, pagedQuery, problems, type Routes } from '../route.ts'

const UserParams = Type.Object({ user_id: UserId })

/** What others did that a user is to hear of. */
export function notificationRoutes(social: Social): Routes {
  return (app) => {
    app.get(
      '/v1/users/:user_id/notifications',
      {
        config: { scope: 'social:read' },
        schema: {
          operationId: 'listNotifications',
          summary: 'List notifications, newest first',
          description:
            'Likes, comments and reposts of one post and one UTC day are one notification, and so are the follows of ' +
            'a day; each mention is one. Left out is what was taken back, deleted, or done only by muted or blocked ' +
            'users.',
          tags: ['social'],
          params: UserParams,
          querystring: pagedQuery(),
          response: { 200: NotificationPage, ...problems },
        },
      },
      async ({ params, query }) => social.notifications(params.user_id, query),
    )
    app.put(
      '/v1/users/:user_id/notifications/seen',
      {
        config: { scope: 'social' },
        schema: {
          operationId: 'seeNotifications',
          summary: 'Say how far the notifications have been seen',
          description:
            'Never takes an earlier answer back: the latest moment counts. A later one than now counts as now.',
          tags: ['social'],
          params: UserParams,
          body: SeenInput,
          response: { 204: NoContent, ...problems },
        },
      },
      async ({ params, body }, reply) => {
        await social.seeNotifications(params.user_id, body)
        return reply.code(204).send(null)
      },
    )
  }
}
