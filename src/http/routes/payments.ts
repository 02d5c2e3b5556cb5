import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import type { CommandContext } from '../../core/command.ts'
import { LIMITS } from '../../core/limits.ts'
import { WebhookReceipt } from '../../payments/inbox/schemas.ts'
import type { Payments } from '../../payments/payments.ts'
import {
  AuthorizePayment,
  CapturePayment,
  CreatePayment,
  IncrementAuthorization,
  Payment,
  RefundPayment,
  VoidPayment,
} from '../../payments/schemas.ts'
import { commandContext, type HttpApp, NoContent, problems, type Routes, versioned } from '../route.ts'

export const PaymentParams = Type.Object({
  payment_intent_id: Type.String({ maxLength: 64, description: 'Id of the payment' }),
})

/** 200 when the outcome is known, 202 while it is not. */
export function answer(reply: FastifyReply, payment: Payment): Payment {
  reply.code(payment.pending_operation === undefined ? 200 : 202)
  return versioned(reply, payment)
}

export const COMMAND_RESPONSES = { 200: Payment, 202: Payment, ...problems }
export const DOUBT =
  'Answers 202 with `pending_operation` when the processor gave no clear answer: Fanfold goes on finding out, and the same request with the same Idempotency-Key tells how it ended.'

interface Command<Schema extends Type.TSchema> {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly body: Schema
  readonly run: (id: string, input: Type.Static<Schema>, context: CommandContext) => Promise<Payment>
}

function command<Schema extends Type.TSchema>(
  app: HttpApp,
  { name, summary, description, body, run }: Command<Schema>,
): void {
  app.post(
    `/v1/payments/:payment_intent_id/${name}`,
    {
      config: { scope: 'payments', idempotency: 'required' },
      schema: {
        operationId: `${name}Payment`,
        summary,
        description: `${description} ${DOUBT}`,
        tags: ['payments'],
        params: PaymentParams,
        body: body as Type.TSchema,
        response: COMMAND_RESPONSES,
      },
    },
    async (request, reply) => {
      const input = request.body as Type.Static<Schema>
      return answer(reply, await run(request.params.payment_intent_id, input, commandContext(request, reply)))
    },
  )
}

function commandRoutes(app: HttpApp, payments: Payments): void {
  app.post(
    '/v1/payments',
    {
      config: { scope: 'payments', idempotency: 'required' },
      schema: {
        operationId: 'createPayment',
        summary: 'Record what is to be paid',
        description: 'Calls no processor: authorize the payment next.',
        tags: ['payments'],
        body: CreatePayment,
        response: { 201: Payment, ...problems },
      },
    },
    async (request, reply) => {
      const payment = await payments.create(request.body, commandContext(request, reply))
      return reply.code(201).send(versioned(reply, payment))
    },
  )
  command(app, {
    name: 'authorize',
    summary: 'Set the amount aside',
    description:
      'With `capture_method: automatic` it is captured at once, if all of it was authorized. A decline is no error: the status is `declined` and `last_error` says why; authorize again, with another method if you like.',
    body: AuthorizePayment,
    run: payments.authorize,
  })
  command(app, {
    name: 'increment',
    summary: 'Set more aside',
    description:
      'Adds `amount` to what is authorized. Not for the payment of an order, whose amount is that of the order, and only where the processor can do it (else 422 `processor_cannot`). A decline leaves what was authorized as it is: `last_error` says why.',
    body: IncrementAuthorization,
    run: payments.incrementAuthorization,
  })
  command(app, {
    name: 'capture',
    summary: 'Take what is authorized',
    description:
      'All of it, or a part; a payment can be captured several times, until a capture is `final`: what it leaves is released. Where the processor allows only one capture, each is final.',
    body: CapturePayment,
    run: payments.capture,
  })
  command(app, {
    name: 'void',
    summary: 'Give back what is authorized and not captured',
    description:
      'Nothing more can be captured afterwards. A payment that waits for the buyer (`requires_action`) can be voided too.',
    body: VoidPayment,
    run: payments.void,
  })
  command(app, {
    name: 'refund',
    summary: 'Give back what was captured',
    description: 'All of it, or a part; a payment can be refunded several times.',
    body: RefundPayment,
    run: payments.refund,
  })
}

function personalDataRoutes(app: HttpApp, payments: Payments): void {
  app.delete(
    '/v1/customers/:customer_id/payment-data',
    {
      config: { scope: 'payments' },
      schema: {
        operationId: 'erasePaymentData',
        summary: 'Erase what is personal in the payments of a customer',
        description:
          'Destroys the key under which billing details and evidence are encrypted; nothing else changes, so amounts stay and every hash stays right. Erasing a customer (`DELETE /v1/customers/{customer_id}`) does this too. May be repeated.',
        tags: ['payments'],
        params: Type.Object({
          customer_id: Type.String({
            maxLength: LIMITS.externalIdCharsMax,
            description: 'Id of the customer, or of a payment without one',
          }),
        }),
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      await payments.eraseCustomer(request.params.customer_id)
      return reply.code(204).send(null)
    },
  )
}

function webhookRoutes(app: HttpApp, payments: Payments): void {
  // Signatures are over the bytes that came in, so nothing may parse them first.
  void app.register(async (scope: HttpApp) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    scope.post(
      '/v1/webhooks/:processor',
      {
        config: { scope: 'public' },
        schema: {
          operationId: 'receiveWebhook',
          summary: 'Take in a message of a payment processor',
          description: 'Needs no API key but the signature of the processor. Stored first, applied soon after.',
          tags: ['payments'],
          security: [],
          params: Type.Object({ processor: Type.String({ maxLength: 40, description: 'Name of the processor' }) }),
          response: { 200: WebhookReceipt, ...problems },
        },
      },
      async (request) => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
        )
        const body = request.body instanceof Uint8Array ? request.body : new Uint8Array()
        return payments.receiveWebhook(request.params.processor, { headers, body })
      },
    )
  })
}

export function paymentRoutes(payments: Payments): Routes {
  return (app) => {
    commandRoutes(app, payments)
    personalDataRoutes(app, payments)
    webhookRoutes(app, payments)
  }
}
