import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import type { InboxState } from '../ports/inbox.ts'

const processor = Type.String({ maxLength: LIMITS.processorNameCharsMax, description: 'Name of the processor' })
const time = Type.String({ format: 'date-time', description: 'RFC 3339' })

export const INBOX_STATES = ['waiting', 'applied', 'failed'] as const satisfies readonly InboxState[]
const state = Type.Enum([...INBOX_STATES], {
  description: 'waiting: to be applied; applied; failed: given up on after the last try',
})

export const InboxQuery = Type.Object({ processor: Type.Optional(processor), state: Type.Optional(state) })
export type InboxQuery = Static<typeof InboxQuery>

/** A webhook of a processor, as it lies in the inbox. */
export const InboxDocument = Type.Object(
  {
    processor,
    event_id: Type.String({ description: 'The processor’s id of the message' }),
    event_type: Type.String({ description: 'The processor’s word for what it tells' }),
    state,
    attempts: Type.Integer({ description: 'Tries that have failed' }),
    received_at: time,
    applied_at: Type.Union([time, Type.Null()]),
    last_error: Type.Union([Type.String(), Type.Null()], { description: 'Why it could not be applied' }),
  },
  { title: 'InboxMessage' },
)
export type InboxDocument = Static<typeof InboxDocument>

export const ReplayInbox = Type.Object(
  {
    processor,
    event_ids: Type.Optional(
      Type.Array(Type.String({ maxLength: LIMITS.urlCharsMax }), {
        ...{ minItems: 1, maxItems: LIMITS.webhookReplayMax },
        description: 'Only these messages',
      }),
    ),
    state: Type.Optional(state),
  },
  {
    title: 'ReplayInbox',
    additionalProperties: false,
    description: 'Which messages are applied again: all of the processor unless it says less',
  },
)
export type ReplayInbox = Static<typeof ReplayInbox>

export const InboxReplayed = Type.Object(
  {
    replayed: Type.Integer({ description: 'Messages that will be applied again' }),
  },
  { title: 'InboxReplayed' },
)
export type InboxReplayed = Static<typeof InboxReplayed>

export const WebhookReceipt = Type.Object(
  {
    received: Type.Literal(true),
    duplicate: Type.Boolean({ description: 'Whether this message had been received before' }),
  },
  { title: 'WebhookReceipt', description: 'The message is stored' },
)
export type WebhookReceipt = Static<typeof WebhookReceipt>
