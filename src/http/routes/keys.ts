import Type from 'typebox'
import type { ApiKeys } from '../auth.ts'
import { NoContent, problems, type Routes } from '../route.ts'
import { SCOPES } from '../scopes.ts'

const KeyDocument = Type.Object(
  {
    key_id: Type.String(),
    name: Type.String(),
    scopes: Type.Array(Type.Enum([...SCOPES])),
    created_at: Type.String(),
    revoked_at: Type.Union([Type.String(), Type.Null()]),
  },
  { title: 'ApiKey', description: 'An API key, without its secret' },
)

const { revoked_at: _, ...ownFields } = KeyDocument.properties
const OwnKey = Type.Object(ownFields, { title: 'OwnKey', description: 'The API key that asks, without its secret' })

const CreateKey = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100, description: 'What the key is for', examples: ['storefront'] }),
    scopes: Type.Array(Type.Enum([...SCOPES]), {
      minItems: 1,
      description: 'What the key may do',
      examples: [['orders', 'reports:read']],
    }),
  },
  { title: 'CreateApiKey', additionalProperties: false },
)

const CreatedKey = Type.Object(
  { ...KeyDocument.properties, secret: Type.String({ description: 'The key itself; shown this once' }) },
  { title: 'CreatedApiKey', description: 'A new API key' },
)

export function keyRoutes(apiKeys: ApiKeys): Routes {
  return (app) => {
    app.post(
      '/v1/keys',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'createKey',
          summary: 'Make an API key',
          tags: ['system'],
          body: CreateKey,
          response: { 201: CreatedKey, ...problems },
        },
      },
      async (request, reply) => {
        const key = await apiKeys.create(request.body.name, request.body.scopes)
        return reply.code(201).send({ ...key, scopes: [...key.scopes] })
      },
    )
    app.get(
      '/v1/keys',
      {
        config: { scope: 'admin:read' },
        schema: {
          operationId: 'listKeys',
          summary: 'List API keys',
          tags: ['system'],
          response: { 200: Type.Object({ items: Type.Array(KeyDocument) }), ...problems },
        },
      },
      async () => ({ items: (await apiKeys.list()).map((key) => ({ ...key, scopes: [...key.scopes] })) }),
    )
    app.get(
      '/v1/keys/self',
      {
        config: { scope: 'any' },
        schema: {
          operationId: 'getOwnKey',
          summary: 'Read the API key that asks',
          tags: ['system'],
          response: { 200: OwnKey, ...problems },
        },
      },
      async ({ apiKey }) => {
        const { revoked_at: _, ...own } = apiKey!
        return { ...own, scopes: [...own.scopes] }
      },
    )
    app.delete(
      '/v1/keys/:key_id',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'revokeKey',
          summary: 'Revoke an API key',
          tags: ['system'],
          params: Type.Object({ key_id: Type.String({ maxLength: 100 }) }),
          response: { 204: NoContent, ...problems },
        },
      },
      async (request, reply) => {
        await apiKeys.revoke(request.params.key_id)
        return reply.code(204).send(null)
      },
    )
  }
}
