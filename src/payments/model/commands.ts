import type { DisputeFact, ProcessorOutcome } from '../processing/processor.ts'
import type { CaptureMethod, PaymentMethod, ReviewDecision, SealedData } from './events.ts'
import type { Operation } from './state.ts'

/** What may be asked of a payment, and what a processor may tell about it. Amounts in minor units. */
export type PaymentCommand =
  | {
      readonly type: 'CreatePayment'
      readonly amount: bigint
      readonly currency: string
      readonly customerId?: string | undefined
      readonly orderId?: string | undefined
      readonly paymentMethod: PaymentMethod
      readonly captureMethod: CaptureMethod
      readonly route: readonly string[]
      readonly metadata?: Readonly<Record<string, string>> | undefined
      readonly personal?: SealedData | undefined
    }
  | { readonly type: 'AuthorizePayment'; readonly opId: string; readonly paymentMethod?: PaymentMethod | undefined }
  /** Adds to what is authorized. */
  | { readonly type: 'IncrementAuthorization'; readonly opId: string; readonly amount: bigint }
  /** Without an amount: all that can still be captured. `final`: what is not captured then is released. */
  | {
      readonly type: 'CapturePayment'
      readonly opId: string
      readonly amount?: bigint | undefined
      readonly final?: boolean | undefined
    }
  /** Gives back all that was authorized and not captured. */
  | { readonly type: 'VoidPayment'; readonly opId: string }
  /** Without an amount: all that can still be refunded. */
  | {
      readonly type: 'RefundPayment'
      readonly opId: string
      readonly amount?: bigint | undefined
      readonly reason?: string | undefined
    }
  /** The time of the authorization is over. Changes nothing while an operation is under way. */
  | { readonly type: 'ExpireAuthorization'; readonly nowMs: number }
  | { readonly type: 'OpenDispute'; readonly fact: DisputeFact }
  | {
      readonly type: 'SubmitEvidence'
      readonly opId: string
      readonly disputeId: string
      readonly evidence: SealedData
    }
  | { readonly type: 'CloseDispute'; readonly fact: DisputeFact }
  /**
   * `operation` as its row has it, for one that is finished for so long that the state has forgotten it. `asFirst`: what is
   * told may be older than what is known, and is no ground to contradict an outcome that stands.
   */
  | {
      readonly type: 'RecordOutcome'
      readonly opId: string
      readonly outcome: ProcessorOutcome
      readonly operation?: Operation | undefined
      readonly asFirst?: true | undefined
    }
  /** A person says what became of an operation that nobody can find out. Without an amount: what was asked for. */
  | {
      readonly type: 'ResolveReview'
      readonly opId: string
      readonly decision: ReviewDecision
      readonly note: string
      readonly amount?: bigint | undefined
      readonly reference?: string | undefined
    }

export type Command<Type extends PaymentCommand['type']> = Extract<PaymentCommand, { type: Type }>

/** What a person or a program may ask of a payment that is there, as the API names it. */
export const PAYMENT_ACTIONS = ['authorize', 'capture', 'void', 'refund', 'increment'] as const
export type PaymentAction = (typeof PAYMENT_ACTIONS)[number]
