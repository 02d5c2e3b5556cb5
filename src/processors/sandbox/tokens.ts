import type { DeclineAdvice, OperationKind } from '../../payments/model/events.ts'

export interface Refusal {
  readonly message: string
  readonly advice?: DeclineAdvice
  /** The reason lies with the processor: nothing was done, and another one may be asked. */
  readonly failover?: true
}

/** Every reason for which the sandbox refuses something because of a token, by its code. */
export const REFUSALS = {
  card_declined: { message: 'The card was declined', advice: 'other_method' },
  insufficient_funds: { message: 'The account has not enough money', advice: 'try_again' },
  expired_card: { message: 'The card has expired', advice: 'other_method' },
  stolen_card: { message: 'The card was reported stolen', advice: 'do_not_retry' },
  processor_down: { message: 'The processor is out of order; nothing was done', advice: 'try_again', failover: true },
  processor_unreachable: { message: 'The request never left', advice: 'try_again', failover: true },
  authentication_failed: { message: 'The buyer did not confirm the payment', advice: 'try_again' },
  action_expired: { message: 'The buyer did not act in time', advice: 'try_again' },
  amount_too_small: { message: 'Nothing is left of half of it' },
  increment_refused: { message: 'The bank does not authorize more' },
  capture_refused: { message: 'The capture was refused' },
  void_refused: { message: 'The authorization could not be given back' },
  refund_refused: { message: 'The refund was refused' },
  refund_returned: { message: 'The bank of the buyer sent the refund back' },
  evidence_refused: { message: 'The evidence could not be read' },
} as const satisfies Record<string, Refusal>
export type RefusalCode = keyof typeof REFUSALS

/** How the sandbox treats a token. The same token behaves the same way every time. */
export interface TokenBehaviour {
  readonly about: string
  /** Refusals by operation. */
  readonly refuses?: Partial<Record<OperationKind, RefusalCode>>
  /** Authorizations never reach it, and it knows: it has no books of them. */
  readonly unreachable?: true
  /**
   * What gets lost on the wire when an operation is first sent: the request, so that nothing happens, or the answer, so
   * that it happens and nobody hears of it. Every operation, or those of one kind.
   */
  readonly loses?: { readonly what: 'request' | 'answer'; readonly of?: OperationKind }
  /** Authorizations are not decided at once: later by themselves, or when the buyer has acted. */
  readonly defers?: 'pending' | 'requires_action'
  /** How what it defers ends after a time; without it only `settle` does, or the end of the day. */
  readonly decides?: 'succeeded' | 'failed'
  /** Only half of the amount, rounded down, is authorized. */
  readonly authorizesHalf?: true
  /** It authorizes in another currency than asked. */
  readonly mistakesCurrency?: true
  /** How long its authorizations last, in milliseconds. */
  readonly authorizedMs?: number
  /** Its refunds come back after a time; `reordered`: and the news of their success comes last. */
  readonly returnsRefunds?: true | 'reordered'
  /** Its first capture is disputed after a time, and that is how evidence ends it. */
  readonly disputes?: 'won' | 'lost'
  /** The dispute is lost at once, and the news of that comes before that of its opening. */
  readonly closesFirst?: true
  /** Tells each outcome also by webhook: once, thrice, the newer before the older, or after a time. */
  readonly tells?: 'once' | 'thrice' | 'reordered' | 'late'
}

const TABLE = {
  tok_ok: { about: 'Everything succeeds' },
  tok_declined: { about: 'Declined: use another method', refuses: { authorize: 'card_declined' } },
  tok_insufficient_funds: {
    about: 'Declined for lack of money: try again later',
    refuses: { authorize: 'insufficient_funds' },
  },
  tok_expired_card: { about: 'Declined because the card has expired', refuses: { authorize: 'expired_card' } },
  tok_stolen_card: { about: 'Declined for good: do not try again', refuses: { authorize: 'stolen_card' } },
  tok_outage: {
    about: 'Refused before anything was done: the next processor of the route is asked',
    refuses: { authorize: 'processor_down' },
  },
  tok_unreachable: { about: 'The request never leaves: the next processor of the route is asked', unreachable: true },
  tok_timeout_charged: {
    about: 'Succeeds, but the first answer of each operation is lost',
    loses: { what: 'answer' },
  },
  tok_timeout_not_charged: {
    about: 'The first request of each operation is lost; sent again it succeeds',
    loses: { what: 'request' },
  },
  tok_async: { about: 'Accepted; succeeds some seconds later', defers: 'pending', decides: 'succeeded' },
  tok_async_declined: { about: 'Accepted; declined some seconds later', defers: 'pending', decides: 'failed' },
  tok_requires_action: { about: 'The buyer must act first, within a day', defers: 'requires_action' },
  tok_action_succeeds: {
    about: 'The buyer must act first, and does some seconds later',
    defers: 'requires_action',
    decides: 'succeeded',
  },
  tok_action_fails: {
    about: 'The buyer must act first, and fails some seconds later',
    defers: 'requires_action',
    decides: 'failed',
  },
  tok_partial: { about: 'Half of the amount is authorized', authorizesHalf: true },
  tok_wrong_currency: { about: 'Authorized in another currency: a person must look', mistakesCurrency: true },
  tok_short_authorization: { about: 'Authorized for ten minutes', authorizedMs: 600_000 },
  tok_increment_fails: {
    about: 'Authorized, but increments are declined',
    refuses: { increment: 'increment_refused' },
  },
  tok_capture_fails: { about: 'Authorized, but captures fail', refuses: { capture: 'capture_refused' } },
  tok_void_fails: { about: 'Authorized, but voids fail', refuses: { void: 'void_refused' } },
  tok_refund_fails: { about: 'Captured, but refunds fail', refuses: { refund: 'refund_refused' } },
  tok_refund_fails_late: { about: 'Refunds succeed, and come back some seconds later', returnsRefunds: true },
  tok_refund_fails_reordered: {
    about: 'Refunds come back, which is told before their success; their first answer is lost',
    returnsRefunds: 'reordered',
    loses: { what: 'answer', of: 'refund' },
  },
  tok_dispute: { about: 'The first capture is disputed some seconds later; evidence wins', disputes: 'won' },
  tok_dispute_lost: { about: 'The first capture is disputed; evidence does not help', disputes: 'lost' },
  tok_dispute_reordered: {
    about: 'The first capture is disputed and lost, which is told before the opening',
    disputes: 'lost',
    closesFirst: true,
  },
  tok_evidence_fails: {
    about: 'The first capture is disputed; evidence is refused',
    disputes: 'lost',
    refuses: { evidence: 'evidence_refused' },
  },
  tok_webhook: { about: 'Succeeds, and tells each outcome by webhook too', tells: 'once' },
  tok_webhook_duplicate: { about: 'Tells each outcome by webhook three times', tells: 'thrice' },
  tok_webhook_reordered: { about: 'Tells of the authorization after all the rest', tells: 'reordered' },
  tok_webhook_delayed: { about: 'Tells each outcome by webhook some seconds later', tells: 'late' },
} as const satisfies Record<string, TokenBehaviour>

const TIMED_OUT = ['increment', 'capture', 'void', 'refund', 'evidence'] as const
type TimedOut = `tok_${(typeof TIMED_OUT)[number]}_timeout_${'' | 'not_'}done`

/** Tokens with which only operations of one kind time out, e.g. `tok_capture_timeout_not_done`. */
const TIMEOUTS = Object.fromEntries(
  TIMED_OUT.flatMap((of): [string, TokenBehaviour][] => {
    // Evidence needs a dispute.
    const more = of === 'evidence' ? ({ disputes: 'won' } as const) : {}
    return [
      [
        `tok_${of}_timeout_done`,
        { about: `The first answer of each ${of} is lost`, loses: { what: 'answer', of }, ...more },
      ],
      [
        `tok_${of}_timeout_not_done`,
        { about: `The first request of each ${of} is lost`, loses: { what: 'request', of }, ...more },
      ],
    ]
  }),
) as Record<TimedOut, TokenBehaviour>

const BEHAVIOURS: Readonly<Record<string, TokenBehaviour>> = { ...TABLE, ...TIMEOUTS }

export type SandboxToken = keyof typeof TABLE | TimedOut
export const SANDBOX_TOKENS = Object.keys(BEHAVIOURS) as SandboxToken[]

/** What the sandbox does with a token; `undefined` for one that it does not know. */
export function behaviourOf(token: string): TokenBehaviour | undefined {
  return Object.hasOwn(BEHAVIOURS, token) ? BEHAVIOURS[token] : undefined
}
