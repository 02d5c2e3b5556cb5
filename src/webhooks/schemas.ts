import Type, { type Static } from 'typebox'
import { LIMITS } from '../core/limits.ts'
import { FAMILIES } from './events.ts'
import { DELIVERY_STATUSES, DISABLED_REASONS } from './ports.ts'

/** The shapes of webhooks: one schema each for validation, serialisation, OpenAPI and types. */
const nullable = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description })

const Time = (description: string) => Type.String({ format: 'date-time', description })
const TimeOrNull = (description: string) => nullable(Type.String({ format: 'date-time' }), description)

const Url = Type.String({
  minLength: 1,
  maxLength: LIMITS.urlCharsMax,
  description: 'Where events are posted to: https, on the public Internet, without user name, password and fragment',
  examples: ['https://shop.example/webhooks'],
})

const EventTypes = Type.Array(
  Type.String({
    pattern: `^(${FAMILIES.join('|')})\\.(\\*|[a-z0-9_]{1,${LIMITS.nameCharsMax}})$`,
    errorMessage: `must be the name of an event such as order.paid, or one of ${FAMILIES.map((f) => `${f}.*`).join(', ')}`,
  }),
  {
    minItems: 1,
    maxItems: LIMITS.webhookEventTypesMax,
    description: 'Which events it gets; all of orders and payments unless given',
    examples: [['order.*', 'payment.captured']],
  },
)

const Description = Type.String({ maxLength: LIMITS.reasonCharsMax, description: 'What it is for, for people' })

export const CreateEndpoint = Type.Object(
  { url: Url, event_types: Type.Optional(EventTypes), description: Type.Optional(Description) },
  { title: 'CreateWebhookEndpoint', additionalProperties: false },
)
export type CreateEndpoint = Static<typeof CreateEndpoint>

export const ChangeEndpoint = Type.Object(
  {
    url: Type.Optional(Url),
    event_types: Type.Optional(EventTypes),
    description: Type.Optional(nullable(Description, 'null takes it away')),
    active: Type.Optional(
      Type.Boolean({
        description: 'false: it gets nothing any more, and what waits is stopped; true: it gets events from now on',
      }),
    ),
  },
  { title: 'ChangeWebhookEndpoint', additionalProperties: false, minProperties: 1 },
)
export type ChangeEndpoint = Static<typeof ChangeEndpoint>

export const EndpointDocument = Type.Object(
  {
    endpoint_id: Type.String(),
    url: Type.String(),
    event_types: Type.Array(Type.String()),
    description: nullable(Type.String(), 'What it is for'),
    active: Type.Boolean({ description: 'Whether it gets events' }),
    disabled_reason: nullable(
      Type.Enum([...DISABLED_REASONS]),
      `Why it is not active: request: somebody asked for it; gone: it answered 410; failing: every try of ${LIMITS.webhookFailingDays} days failed`,
    ),
    disabled_at: TimeOrNull('Since when it is not active'),
    failing_since: TimeOrNull('The first failure since its last success'),
    secret_created_at: Time('When its secret was made'),
    old_secret_until: TimeOrNull('Until when the secret before the last rotation signs too'),
    version: Type.Integer({ description: 'Raised by each change' }),
    created_at: Time('When it was made; it gets the events from then on'),
    updated_at: Time('When it was changed'),
  },
  { title: 'WebhookEndpoint', description: 'Where webhooks are sent to' },
)
export type EndpointDocument = Static<typeof EndpointDocument>

export const EndpointWithSecret = Type.Object(
  {
    ...EndpointDocument.properties,
    secret: Type.Optional(
      Type.String({
        description:
          'Checks the signatures. Shown this once, and to a repeat with the same Idempotency-Key while it is in force',
        examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      }),
    ),
  },
  { title: 'WebhookEndpointWithSecret', description: 'An endpoint with its new secret' },
)
export type EndpointWithSecret = Static<typeof EndpointWithSecret>

export const AttemptDocument = Type.Object(
  {
    attempted_at: Time('When it was sent'),
    duration_ms: Type.Integer({ description: 'How long it took, in milliseconds' }),
    status_code: nullable(Type.Integer(), 'Status of the answer; null when there was none'),
    error: nullable(Type.String(), 'What went wrong before there was an answer'),
    response: nullable(Type.String(), 'Beginning of the body of the answer'),
  },
  { title: 'WebhookAttempt', description: 'One try' },
)

export const DeliveryDocument = Type.Object(
  {
    delivery_id: Type.String(),
    endpoint_id: Type.String(),
    webhook_id: Type.String({ description: 'The header webhook-id: the same for every try' }),
    event_type: Type.String({ examples: ['order.paid'] }),
    status: Type.Enum([...DELIVERY_STATUSES], {
      description:
        'waiting: for its next try, or under way; delivered; failed: after the last try; stopped: its endpoint was disabled',
    }),
    next_attempt_at: TimeOrNull('When it is tried next'),
    attempt_count: Type.Integer({ description: 'All tries there were' }),
    attempts: Type.Array(AttemptDocument, {
      description: `The last ${LIMITS.webhookAttemptsKept} tries, oldest first`,
    }),
    created_at: Time('When it was made'),
  },
  { title: 'WebhookDelivery', description: 'An event on its way to an endpoint' },
)
export type DeliveryDocument = Static<typeof DeliveryDocument>

const page = <Schema extends Type.TSchema>(item: Schema) =>
  Type.Object({
    items: Type.Array(item),
    next_cursor: Type.Optional(Type.String({ description: 'Cursor of the next page; absent at the end' })),
  })
export const EndpointPage = page(EndpointDocument)
export const DeliveryPage = page(DeliveryDocument)

export const ListDeliveries = Type.Object(
  { status: Type.Optional(Type.Enum([...DELIVERY_STATUSES], { description: 'Only those of one status' })) },
  { additionalProperties: false },
)
export type ListDeliveries = Static<typeof ListDeliveries>

export const ReplayEndpoint = Type.Object(
  {
    since: Time('Deliveries made at this time or later'),
    until: Type.Optional(Time('Deliveries made before this time')),
    status: Type.Optional(
      Type.Enum(['delivered', 'failed', 'stopped'], {
        description: 'Only those of one status; what did not arrive (failed, stopped) unless given',
      }),
    ),
    cursor: Type.Optional(
      Type.String({ maxLength: LIMITS.cursorCharsMax, description: 'next_cursor of the answer before' }),
    ),
  },
  { title: 'ReplayWebhookEndpoint', additionalProperties: false },
)
export type ReplayEndpoint = Static<typeof ReplayEndpoint>

export const ReplayReceipt = Type.Object(
  {
    replayed: Type.Integer({ description: `How many are sent again, at most ${LIMITS.webhookReplayMax} at a time` }),
    next_cursor: Type.Optional(
      Type.String({ description: 'There may be more: repeat the request with this cursor. Absent at the end' }),
    ),
  },
  { title: 'WebhookReplay', description: 'Deliveries that are sent again' },
)
export type ReplayReceipt = Static<typeof ReplayReceipt>
