import Type from 'typebox'
import { LIMITS } from '../core/limits.ts'
import type { LogName } from '../log/port.ts'
import { KINDS } from '../webhooks/events.ts'

const ABOUT: Readonly<Record<LogName, { examples: string[]; details: string }>> = {
  orders: {
    examples: ['order.created', 'order.paid', 'order.items_shipped'],
    details: 'As in GET /v1/orders/{id}/history; money in whole minor units of the order’s currency',
  },
  payments: {
    examples: ['payment.initiated', 'payment.captured', 'payment.refunded'],
    details:
      'As in GET /v1/payments/{id}/events, without how somebody pays and without what is personal; money in whole minor units',
  },
}

function eventOf(log: LogName) {
  const { family, stream } = KINDS[log]
  return Type.Object(
    {
      type: Type.String({
        pattern: `^${family}\\.[a-z0-9_]{1,${LIMITS.nameCharsMax}}$`,
        description: 'What happened. There may be types in the future that are not known today: pass over those',
        examples: ABOUT[log].examples,
      }),
      timestamp: Type.String({ format: 'date-time', description: 'When it was recorded' }),
      data: Type.Object({
        [stream]: Type.String({ minLength: 1, description: `The ${family}: the key of the message` }),
        version: Type.Integer({
          minimum: 1,
          description: `Numbers the events of one ${family} from 1, without gaps`,
        }),
        event_id: Type.String({ pattern: '^[1-9][0-9]*$', description: 'Numbers the events of one part of the log' }),
        details: Type.Object({}, { description: ABOUT[log].details }),
      }),
    },
    { title: `An event of ${family === 'order' ? 'an order' : 'a payment'}` },
  )
}

/** The body of a message of `fanfold.events.v1`. Fields may be added to it, and none is taken away while it is v1. */
export const EventBody = Type.Union([eventOf('orders'), eventOf('payments')])
