import Type, { type Static, type TSchema } from 'typebox'
import { invalidField } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { UnfollowOptions } from '../../social/relations.ts'
import {
  Comment,
  CommentPage,
  CreateCommentInput,
  CreateUserInput,
  FollowPage,
  LikerPage,
  PostPage,
  Relations,
  SuggestionList,
  User,
  UserId,
  UserIds,
  UserPage,
} from '../../social/schemas.ts'
import type { Social } from '../../social/social.ts'
import { commandContext, type HttpApp, NoContent, PageLimit, pagedQuery, problems, type Routes } from '../route.ts'
import { Page, PageAndViewer, PostParams, tags, UserParams } from './social-params.ts'
import { postRoutes } from './social-posts.ts'

const CommentParams = Type.Object({ comment_id: Type.String({ maxLength: 100, description: 'The comment' }) })
const LikeParams = Type.Object({ ...PostParams.properties, user_id: UserId })

const UsersQuery = pagedQuery({
  q: Type.Optional(
    Type.String({
      maxLength: LIMITS.handleCharsMax,
      description: 'Beginning of the handle, whatever its case',
      examples: ['ad'],
    }),
  ),
  user_ids: Type.Optional(UserIds),
})
const SuggestionsQuery = Type.Object({ limit: PageLimit }, { additionalProperties: false })

/** Users, follows, posts, timelines, likes and comments. */
export function socialRoutes(social: Social): Routes {
  return (app) => {
    userRoutes(app, social)
    relationRoutes(app, social)
    postRoutes(app, social)
    likeAndCommentRoutes(app, social)
  }
}

async function usersOf(social: Social, { user_ids: userIds, ...query }: Static<typeof UsersQuery>) {
  if (userIds === undefined) return social.users(query)
  const [other] = Object.keys(query)
  if (other !== undefined) throw invalidField(`query/${other}`, 'must not come with user_ids')
  return { items: await social.usersOf(userIds.split(',')) }
}

function userRoutes(app: HttpApp, social: Social): void {
  app.post(
    '/v1/users',
    {
      config: { scope: 'social', idempotency: 'optional' },
      schema: {
        operationId: 'createUser',
        summary: 'Create a user',
        tags,
        body: CreateUserInput,
        response: { 201: User, ...problems },
      },
    },
    async (request, reply) => {
      return reply.code(201).send(await social.createUser(request.body, commandContext(request, reply)))
    },
  )
  app.get(
    '/v1/users',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'listUsers',
        summary: 'List users by handle, or those with given ids',
        description: 'What names the authors of a page of posts in one request.',
        tags,
        querystring: UsersQuery,
        response: { 200: UserPage, ...problems },
      },
    },
    async ({ query }) => usersOf(social, query),
  )
  app.get(
    '/v1/users/:user_id',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'getUser',
        summary: 'Read a user',
        tags,
        params: UserParams,
        response: { 200: User, ...problems },
      },
    },
    async ({ params }) => social.user(params.user_id),
  )
  app.delete(
    '/v1/users/:user_id',
    {
      config: { scope: 'social' },
      schema: {
        operationId: 'eraseUser',
        summary: 'Erase a user for good',
        description:
          'Posts, likes, comments, relations and timeline go; counts of other posts fall. The id stays taken for a minute.',
        tags,
        params: UserParams,
        response: { 204: NoContent, ...problems },
      },
    },
    async ({ params }, reply) => {
      await social.eraseUser(params.user_id)
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/v1/users/:user_id/posts',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'listPosts',
        summary: "List a user's posts, newest first",
        tags,
        params: UserParams,
        querystring: PageAndViewer,
        response: { 200: PostPage, ...problems },
      },
    },
    async ({ params, query }) => social.posts(params.user_id, query),
  )
}

interface RelationChange {
  readonly operationId: string
  readonly summary: string
  readonly querystring?: TSchema
  run(userId: string, otherId: string, query: UnfollowOptions): Promise<void>
}

interface RelationRoute {
  /** As in the path, e.g. `blocks`. */
  readonly name: string
  readonly other: 'followee_id' | 'other_id'
  readonly put: RelationChange
  readonly remove: RelationChange
}

const UnfollowQuery = Type.Object(
  {
    keep_history: Type.Optional(
      Type.Boolean({ description: 'The public posts of the followee so far stay in the timeline', default: false }),
    ),
  },
  { additionalProperties: false },
)

/** `PUT` and `DELETE /v1/users/{id}/<name>/{other}`: both may be repeated, both answer 204. */
function relation(app: HttpApp, { name, other, put, remove }: RelationRoute): void {
  const params = Type.Object({ user_id: UserId, [other]: UserId })
  for (const [method, { run, ...described }] of [['PUT', put] as const, ['DELETE', remove] as const]) {
    app.route({
      method,
      url: `/v1/users/:user_id/${name}/:${other}`,
      config: { scope: 'social' },
      schema: { ...described, tags, params, response: { 204: NoContent, ...problems } },
      handler: async (request, reply) => {
        const ids = request.params as Record<string, string>
        await run(ids['user_id']!, ids[other]!, request.query as UnfollowOptions)
        return reply.code(204).send(null)
      },
    })
  }
}

function relationRoutes(app: HttpApp, social: Social): void {
  relation(app, {
    name: 'follows',
    other: 'followee_id',
    put: { operationId: 'follow', summary: 'Follow a user', run: social.follow },
    remove: {
      ...{ operationId: 'unfollow', summary: 'Unfollow a user', run: social.unfollow },
      querystring: UnfollowQuery,
    },
  })
  relation(app, {
    name: 'blocks',
    other: 'other_id',
    put: { operationId: 'block', summary: 'Block a user', run: social.block },
    remove: { operationId: 'unblock', summary: 'Unblock a user', run: social.unblock },
  })
  relation(app, {
    name: 'mutes',
    other: 'other_id',
    put: { operationId: 'mute', summary: 'Mute a user', run: social.mute },
    remove: { operationId: 'unmute', summary: 'Unmute a user', run: social.unmute },
  })
  for (const [name, operationId, summary, list] of [
    ['follows', 'listFollows', 'List whom a user follows, by id', social.follows],
    ['followers', 'listFollowers', 'List who follows a user, by id', social.followers],
  ] as const) {
    app.get(
      `/v1/users/:user_id/${name}`,
      {
        config: { scope: 'social:read' },
        schema: {
          operationId,
          summary,
          tags,
          params: UserParams,
          querystring: Page,
          response: { 200: FollowPage, ...problems },
        },
      },
      async ({ params, query }) => list(params.user_id, query),
    )
  }
  app.get(
    '/v1/users/:user_id/relations/:other_id',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'getRelations',
        summary: 'How a user stands to another',
        description: 'Whether the other has muted the user is not told.',
        tags,
        params: Type.Object({ user_id: UserId, other_id: UserId }),
        response: { 200: Relations, ...problems },
      },
    },
    async ({ params }) => social.relations(params.user_id, params.other_id),
  )
  app.get(
    '/v1/users/:user_id/suggestions',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'listSuggestions',
        summary: 'Suggest whom a user might follow',
        description:
          'Whom those whom the user follows follow, by how many of them. No pages: what is not among the best is not listed.',
        tags,
        params: UserParams,
        querystring: SuggestionsQuery,
        response: { 200: SuggestionList, ...problems },
      },
    },
    async ({ params, query }) => social.suggestions(params.user_id, query),
  )
}

function likeAndCommentRoutes(app: HttpApp, social: Social): void {
  for (const [method, operationId, summary, run] of [
    ['PUT', 'like', 'Like a post', social.like],
    ['DELETE', 'unlike', 'Take a like back', social.unlike],
  ] as const) {
    app.route({
      method,
      url: '/v1/posts/:post_id/likes/:user_id',
      config: { scope: 'social' },
      schema: { operationId, summary, tags, params: LikeParams, response: { 204: NoContent, ...problems } },
      handler: async ({ params }, reply) => {
        await run(params.post_id, params.user_id)
        return reply.code(204).send(null)
      },
    })
  }
  app.get(
    '/v1/posts/:post_id/likes',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'listLikes',
        summary: 'List who likes a post, newest first',
        tags,
        params: PostParams,
        querystring: PageAndViewer,
        response: { 200: LikerPage, ...problems },
      },
    },
    async ({ params, query }) => social.likers(params.post_id, query),
  )
  app.post(
    '/v1/posts/:post_id/comments',
    {
      config: { scope: 'social', idempotency: 'optional' },
      schema: {
        operationId: 'createComment',
        summary: 'Comment on a post',
        tags,
        params: PostParams,
        body: CreateCommentInput,
        response: { 201: Comment, ...problems },
      },
    },
    async (request, reply) => {
      const context = commandContext(request, reply)
      return reply.code(201).send(await social.comment(request.params.post_id, request.body, context))
    },
  )
  app.get(
    '/v1/posts/:post_id/comments',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'listComments',
        summary: 'List the comments on a post, oldest first',
        tags,
        params: PostParams,
        querystring: PageAndViewer,
        response: { 200: CommentPage, ...problems },
      },
    },
    async ({ params, query }) => social.comments(params.post_id, query),
  )
  app.delete(
    '/v1/comments/:comment_id',
    {
      config: { scope: 'social' },
      schema: {
        operationId: 'deleteComment',
        summary: 'Delete a comment',
        tags,
        params: CommentParams,
        response: { 204: NoContent, ...problems },
      },
    },
    async ({ params }, reply) => {
      await social.deleteComment(params.comment_id)
      return reply.code(204).send(null)
    },
  )
}
