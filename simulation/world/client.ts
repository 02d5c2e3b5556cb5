import type { CommandContext } from '../../src/core/command.ts'
import { isAppError } from '../../src/core/errors.ts'
import type { Payments } from '../../src/payments/payments.ts'
import type { Payment } from '../../src/payments/schemas.ts'
import { expect, type Instance } from './instance.ts'
import { ONCE } from './tables.ts'
import type { World } from './world.ts'

/** What a client wants done, with the key under which he asks for it until he knows that it is. */
export interface Request {
  readonly key: string
  /** The key is sent, so that the request may be repeated. */
  readonly isKeyed: boolean
  readonly what: string
  /** Of a new payment: known once it is answered. */
  paymentIntentId: string | undefined
  /** open: nobody has told him how it ended; refused: it is not done; dropped: asked for once, without a key. */
  status: 'open' | 'answered' | 'refused' | 'dropped'
  /** The answer, once nothing about it is in doubt. */
  answer: Payment | undefined
  refusal: string | undefined
  /** Who is at work on it. */
  with: Instance | undefined
  readonly run: (payments: Payments, context: CommandContext) => Promise<Payment>
}

const AGAIN = new Set(['idempotency_key_in_use', 'write_contention', 'overloaded', 'internal_error'])
const ACTOR = 'client'
const KEYED = 0.85

/** Clients, who lose their connections and ask again; what they were told, the books must bear out. */
export function createClients(world: World) {
  const { witness, trace } = world
  const requests: Request[] = []

  function accept(request: Request, answer: Payment): void {
    request.paymentIntentId = answer.payment_intent_id
    if (!request.isKeyed) return
    const first = request.answer
    const isFinal = answer.pending_operation === undefined
    trace(
      () =>
        `client hears of ${request.what} (${request.key}): ${answer.status} v${answer.version}${isFinal ? '' : ', pending'}`,
    )
    if (first !== undefined && JSON.stringify(first) !== JSON.stringify(answer))
      witness.fail(
        'a repeat gets the first answer',
        `${request.what} (${request.key}): ${JSON.stringify(first)}, then ${JSON.stringify(answer)}`,
      )
    if (!isFinal) return
    request.status = 'answered'
    request.answer = answer
  }

  function refuse(request: Request, error: unknown): void {
    if (!isAppError(error) || AGAIN.has(error.code) || !request.isKeyed) {
      expect(world, request.what, error)
      return
    }
    trace(() => `client hears of ${request.what} (${request.key}): ${error.code}`)
    const { code, message } = error
    if (request.answer !== undefined)
      witness.fail(
        'a repeat gets the first answer',
        `${request.what} (${request.key}) was done, then: ${code}, ${message}`,
      )
    if (error.status >= 500) expect(world, request.what, error)
    request.status = 'refused'
    request.refusal = `${code}: ${message}`
  }

  return {
    requests: requests as readonly Request[],
    /** A new request, which nobody has been asked for yet. */
    ask(what: string, paymentIntentId: string | undefined, run: Request['run']): Request {
      const isKeyed = world.random.chance(KEYED)
      const request: Request = {
        ...{ key: `k${requests.length + 1}`, isKeyed, what, paymentIntentId, answer: undefined },
        status: isKeyed ? 'open' : 'dropped',
        ...{ refusal: undefined, with: undefined, run },
      }
      requests.push(request)
      return request
    },
    /** Asks an instance; an answer that is lost leaves the request as it was. */
    send(request: Request, instance: Instance): void {
      request.with = instance
      trace(() => `client asks ${instance.name} for ${request.what} (${request.key})`)
      const { key, isKeyed } = request
      const context = isKeyed ? { idempotencyKey: key, actor: ACTOR } : { actor: `${ONCE}${key}` }
      const answered = request.run(instance.payments, context)
      void answered
        .then(
          (answer) => accept(request, answer),
          (error: unknown) => refuse(request, error),
        )
        // A broken rule is kept by the witness.
        .catch((error: unknown) => expect(world, request.what, error))
        .finally(() => {
          request.with = undefined
        })
    },
    /** Whether somebody is at work on it who may still answer. */
    isUnderWay: (request: Request): boolean => request.with?.isAlive === true,
  }
}

export type Clients = ReturnType<typeof createClients>
