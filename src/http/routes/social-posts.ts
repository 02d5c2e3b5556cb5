import Type from 'typebox'
import { EditPostInput, Fanout, Post, PostPage, PostVersionPage, PublishInput } from '../../social/schemas.ts'
import type { Social } from '../../social/social.ts'
import { commandContext, type HttpApp, NoContent, problems, versioned } from '../route.ts'
import { PageAndViewer, PostParams, tags, Viewer } from './social-params.ts'

const TagParams = Type.Object({
  tag: Type.String({ maxLength: 200, description: 'The hashtag without #, whatever its case', examples: ['engines'] }),
})

/** Publishing, reading, editing and deleting posts. */
export function postRoutes(app: HttpApp, social: Social): void {
  app.post(
    '/v1/posts',
    {
      config: { scope: 'social', idempotency: 'optional' },
      schema: {
        operationId: 'publish',
        summary: 'Publish a post',
        description:
          'It is in the timeline of its author at once and on its way to the followers. With `repost_of` it passes ' +
          'a public post on: as a quote with content, as a repost without; of two reposts `already_exists` names the ' +
          'first.',
        tags,
        body: PublishInput,
        response: { 201: Post, ...problems },
      },
    },
    async (request, reply) => {
      const post = await social.publish(request.body, commandContext(request, reply))
      return reply.code(201).send(versioned(reply, post))
    },
  )
  app.get(
    '/v1/posts/:post_id',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'getPost',
        summary: 'Read a post',
        tags,
        params: PostParams,
        querystring: Viewer,
        response: { 200: Post, ...problems },
      },
    },
    async ({ params, query }, reply) => versioned(reply, await social.post(params.post_id, query)),
  )
  app.patch(
    '/v1/posts/:post_id',
    {
      config: { scope: 'social', ifMatch: true },
      schema: {
        operationId: 'editPost',
        summary: 'Edit a post',
        description:
          'Replaces the content; what it said before is kept. The same content again changes nothing. With ' +
          '`If-Match` (the ETag) it is refused with 412 when somebody else has edited the post since.',
        tags,
        params: PostParams,
        body: EditPostInput,
        response: { 200: Post, ...problems },
      },
    },
    async (request, reply) => {
      const context = commandContext(request, reply)
      return versioned(reply, await social.editPost(request.params.post_id, request.body, context))
    },
  )
  app.get(
    '/v1/posts/:post_id/versions',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'listPostVersions',
        summary: 'List what a post said before it was edited, newest first',
        tags,
        params: PostParams,
        querystring: PageAndViewer,
        response: { 200: PostVersionPage, ...problems },
      },
    },
    async ({ params, query }) => social.postVersions(params.post_id, query),
  )
  app.get(
    '/v1/posts/:post_id/fanout',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'getFanout',
        summary: 'How far a post is on its way to the followers',
        description: 'What the ledger of the fan-out says at this moment.',
        tags,
        params: PostParams,
        response: { 200: Fanout, ...problems },
      },
    },
    async ({ params }) => social.fanout(params.post_id),
  )
  app.delete(
    '/v1/posts/:post_id',
    {
      config: { scope: 'social' },
      schema: {
        operationId: 'deletePost',
        summary: 'Delete a post',
        tags,
        params: PostParams,
        response: { 204: NoContent, ...problems },
      },
    },
    async ({ params }, reply) => {
      await social.deletePost(params.post_id)
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/v1/hashtags/:tag/posts',
    {
      config: { scope: 'social:read' },
      schema: {
        operationId: 'listHashtagPosts',
        summary: 'List the public posts with a hashtag, newest first',
        tags,
        params: TagParams,
        querystring: PageAndViewer,
        response: { 200: PostPage, ...problems },
      },
    },
    async ({ params, query }) => social.hashtag(params.tag, query),
  )
}
