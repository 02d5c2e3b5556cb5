import Type from 'typebox'
import type { Payments } from '../../payments/payments.ts'
import { ListOperations } from '../../payments/reading/list-schemas.ts'
import { OperationDocument, pageOf, ResolveOperation, SubmitEvidence } from '../../payments/schemas.ts'
import { commandContext, type HttpApp, pagedQuery, problems, type Routes } from '../route.ts'
import { answer, COMMAND_RESPONSES, DOUBT, PaymentParams } from './payments.ts'

function evidenceRoute(app: HttpApp, payments: Payments): void {
  app.post(
    '/v1/payments/:payment_intent_id/disputes/:dispute_id/evidence',
    {
      config: { scope: 'payments', idempotency: 'required' },
      schema: {
        operationId: 'submitEvidence',
        summary: 'Send what speaks against a dispute',
        description: `Once per dispute, before \`evidence_due_by\`; the texts are stored encrypted. ${DOUBT}`,
        tags: ['payments'],
        params: Type.Object({
          ...PaymentParams.properties,
          dispute_id: Type.String({ maxLength: 255, description: 'Id of the dispute, as the payment shows it' }),
        }),
        body: SubmitEvidence,
        response: COMMAND_RESPONSES,
      },
    },
    async (request, reply) => {
      const { payment_intent_id: id, dispute_id: disputeId } = request.params
      const context = commandContext(request, reply)
      return answer(reply, await payments.submitEvidence(id, disputeId, request.body, context))
    },
  )
}

function operationRoutes(app: HttpApp, payments: Payments): void {
  app.get(
    '/v1/operations',
    {
      config: { scope: 'payments:read' },
      schema: {
        operationId: 'listOperations',
        summary: 'List calls to payment processors, oldest first',
        description:
          'By their status, of one payment, or both. Without either those in review: nobody but a person can find out what became of them.',
        tags: ['payments'],
        querystring: pagedQuery(ListOperations.properties),
        response: { 200: pageOf(OperationDocument), ...problems },
      },
    },
    async ({ query: { limit, cursor, ...filter } }) => payments.operations(filter, { limit, cursor }),
  )
  app.post(
    '/v1/operations/:op_id/resolve',
    {
      config: { scope: 'payments' },
      schema: {
        operationId: 'resolveOperation',
        summary: 'Decide what became of an operation in review',
        description:
          'Look at the processor first: what you say is recorded as a fact, with your note. `succeeded` may carry the amount of a partial authorization and the reference of the processor; what follows by itself, such as an automatic capture, is carried out. `ask_again` puts it back to the worker, who asks the processor but never sends a key again that may be forgotten. Whoever repeated the command with its Idempotency-Key is answered with the end. A second decision is refused with 422 `operation_not_in_review`, so no Idempotency-Key is needed.',
        tags: ['payments'],
        params: Type.Object({ op_id: Type.String({ maxLength: 64, description: 'Id of the operation' }) }),
        body: ResolveOperation,
        response: COMMAND_RESPONSES,
      },
    },
    async (request, reply) => {
      const context = commandContext(request, reply)
      return answer(reply, await payments.resolveOperation(request.params.op_id, request.body, context))
    },
  )
}

/** What people have to do about payments: evidence against disputes, and operations without an outcome. */
export function paymentOperationRoutes(payments: Payments): Routes {
  return (app) => {
    evidenceRoute(app, payments)
    operationRoutes(app, payments)
  }
}
