import Type from 'typebox'
import {
  ChangeEndpoint,
  CreateEndpoint,
  DeliveryDocument,
  DeliveryPage,
  EndpointDocument,
  EndpointPage,
  EndpointWithSecret,
  ListDeliveries,
  ReplayEndpoint,
  ReplayReceipt,
} from '../../webhooks/schemas.ts'
import type { Webhooks } from '../../webhooks/webhooks.ts'
import { commandContext, type HttpApp, NoContent, pagedQuery, problems, type Routes, versioned } from '../route.ts'

const EndpointParams = Type.Object({ endpoint_id: Type.String({ maxLength: 100, description: 'The endpoint' }) })
const DeliveryParams = Type.Object({ delivery_id: Type.String({ maxLength: 100, description: 'The delivery' }) })
const ENDPOINT = '/v1/webhook-endpoints/:endpoint_id'

function endpointRoutes(app: HttpApp, webhooks: Webhooks): void {
  app.post(
    '/v1/webhook-endpoints',
    {
      config: { scope: 'admin', idempotency: 'optional' },
      schema: {
        operationId: 'createWebhookEndpoint',
        summary: 'Have events sent to a URL',
        description: 'It gets the events from now on, signed with the secret in the answer (Standard Webhooks 1.0).',
        tags: ['webhooks'],
        body: CreateEndpoint,
        response: { 201: EndpointWithSecret, ...problems },
      },
    },
    async (request, reply) => {
      const endpoint = await webhooks.create(request.body, commandContext(request, reply))
      return reply.code(201).send(versioned(reply, endpoint))
    },
  )
  app.get(
    '/v1/webhook-endpoints',
    {
      config: { scope: 'admin:read' },
      schema: {
        operationId: 'listWebhookEndpoints',
        summary: 'List webhook endpoints, oldest first',
        tags: ['webhooks'],
        querystring: pagedQuery(),
        response: { 200: EndpointPage, ...problems },
      },
    },
    async (request) => webhooks.list(request.query),
  )
  app.get(
    ENDPOINT,
    {
      config: { scope: 'admin:read' },
      schema: {
        operationId: 'getWebhookEndpoint',
        summary: 'Read a webhook endpoint',
        tags: ['webhooks'],
        params: EndpointParams,
        response: { 200: EndpointDocument, ...problems },
      },
    },
    async (request, reply) => versioned(reply, await webhooks.get(request.params.endpoint_id)),
  )
  app.patch(
    ENDPOINT,
    {
      config: { scope: 'admin', ifMatch: true },
      schema: {
        operationId: 'updateWebhookEndpoint',
        summary: 'Change a webhook endpoint',
        description: 'What is not named stays as it is.',
        tags: ['webhooks'],
        params: EndpointParams,
        body: ChangeEndpoint,
        response: { 200: EndpointDocument, ...problems },
      },
    },
    async (request, reply) => {
      const context = commandContext(request, reply)
      return versioned(reply, await webhooks.update(request.params.endpoint_id, request.body, context))
    },
  )
  app.delete(
    ENDPOINT,
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'deleteWebhookEndpoint',
        summary: 'Delete a webhook endpoint',
        description: 'Nothing is sent to it any more, and its deliveries are forgotten.',
        tags: ['webhooks'],
        params: EndpointParams,
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      await webhooks.delete(request.params.endpoint_id)
      return reply.code(204).send(null)
    },
  )
  app.post(
    `${ENDPOINT}/rotate-secret`,
    {
      config: { scope: 'admin', idempotency: 'optional' },
      schema: {
        operationId: 'rotateWebhookSecret',
        summary: 'Give a webhook endpoint a new secret',
        description: 'The answer tells it. The old one signs beside it for a day.',
        tags: ['webhooks'],
        params: EndpointParams,
        response: { 200: EndpointWithSecret, ...problems },
      },
    },
    async (request, reply) => {
      const context = commandContext(request, reply)
      return versioned(reply, await webhooks.rotateSecret(request.params.endpoint_id, context))
    },
  )
}

function deliveryRoutes(app: HttpApp, webhooks: Webhooks): void {
  app.post(
    `${ENDPOINT}/test`,
    {
      config: { scope: 'admin', idempotency: 'optional' },
      schema: {
        operationId: 'testWebhookEndpoint',
        summary: 'Send a test event',
        description: 'A `webhook.test` event, tried once. Its delivery tells how it went.',
        tags: ['webhooks'],
        params: EndpointParams,
        response: { 202: DeliveryDocument, ...problems },
      },
    },
    async (request, reply) => {
      const context = commandContext(request, reply)
      return reply.code(202).send(await webhooks.sendTest(request.params.endpoint_id, context))
    },
  )
  app.get(
    `${ENDPOINT}/deliveries`,
    {
      config: { scope: 'admin:read' },
      schema: {
        operationId: 'listWebhookDeliveries',
        summary: 'List what was sent to a webhook endpoint, newest first',
        tags: ['webhooks'],
        params: EndpointParams,
        querystring: pagedQuery(ListDeliveries.properties),
        response: { 200: DeliveryPage, ...problems },
      },
    },
    async ({ params, query: { limit, cursor, ...filter } }) =>
      webhooks.deliveries(params.endpoint_id, filter, { limit, cursor }),
  )
  app.post(
    '/v1/webhook-deliveries/:delivery_id/replay',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'replayWebhookDelivery',
        summary: 'Send a webhook again',
        description: 'With the same webhook-id. One that is under way is left alone.',
        tags: ['webhooks'],
        params: DeliveryParams,
        response: { 202: DeliveryDocument, ...problems },
      },
    },
    async (request, reply) => reply.code(202).send(await webhooks.replay(request.params.delivery_id)),
  )
  app.post(
    `${ENDPOINT}/replay`,
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'replayWebhookEndpoint',
        summary: 'Send again what was made in a range of time',
        tags: ['webhooks'],
        params: EndpointParams,
        body: ReplayEndpoint,
        response: { 202: ReplayReceipt, ...problems },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await webhooks.replayRange(request.params.endpoint_id, request.body)),
  )
}

/** Endpoints that get events, and what was sent to them. */
export function webhookOutRoutes(webhooks: Webhooks): Routes {
  return (app) => {
    endpointRoutes(app, webhooks)
    deliveryRoutes(app, webhooks)
  }
}
