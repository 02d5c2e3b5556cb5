import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { VERSION } from '../core/version.ts'

/** The head of the API description (OpenAPI 3.1); paths come from the routes. */
export const OPENAPI_INFO: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'Fanfold',
    version: VERSION,
    description:
      'Feeds, orders and payments. JSON in snake_case; ids are strings; money is an integer of minor units and an ISO 4217 currency; ' +
      'times are RFC 3339 in UTC. Errors are problem documents (RFC 9457) with a stable `code`. Lists are pages: `?limit=&cursor=` answers ' +
      '`{items, next_cursor?}`. A POST that creates, or moves money or stock, takes an `Idempotency-Key`; orders and payments require it.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  tags: [
    { name: 'social', description: 'Users, follows, posts, timelines' },
    { name: 'orders', description: 'Products, stock, customers, orders' },
    { name: 'reports', description: 'The sales report' },
    { name: 'payments', description: 'Payments, their events and transactions' },
    { name: 'webhooks', description: 'Events sent to URLs of yours' },
    { name: 'system', description: 'Keys, health, operations' },
  ],
  components: { securitySchemes: { api_key: { type: 'http', scheme: 'bearer', description: 'An API key' } } },
  security: [{ api_key: [] }],
}
