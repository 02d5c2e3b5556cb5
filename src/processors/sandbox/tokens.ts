import type { OperationKind } from '../../payments/model/events.ts'

/** How the sandbox treats a token. The same token behaves the same way every time. */
export interface TokenBehaviour {
  readonly about: string
  /** Refusals by operation: code and message. */
  readonly refuses?: Partial<Record<OperationKind, readonly [code: string, message: string]>>
  /**
   * What gets lost on the wire when an operation is first sent: the request, so that nothing happens, or the answer, so
   * that it happens and nobody hears of it.
   */
  readonly loses?: 'request' | 'answer'
  /** Authorizations are not decided at once: later by themselves, or when the buyer has acted. */
  readonly defers?: 'pending' | 'requires_action'
  /** Only half of the amount, rounded down, is authorized. */
  readonly authorizesHalf?: true
}

const TABLE = {
  tok_ok: { about: 'Everything succeeds' },
  tok_declined: { about: 'Declined', refuses: { authorize: ['card_declined', 'The card was declined'] } },
  tok_insufficient_funds: {
    about: 'Declined for lack of money',
    refuses: { authorize: ['insufficient_funds', 'The account has not enough money'] },
  },
  tok_expired_card: {
    about: 'Declined because the card has expired',
    refuses: { authorize: ['expired_card', 'The card has expired'] },
  },
  tok_timeout_charged: { about: 'Succeeds, but the first answer of each operation is lost', loses: 'answer' },
  tok_timeout_not_charged: {
    about: 'The first request of each operation is lost; sent again it succeeds',
    loses: 'request',
  },
  tok_async: { about: 'Accepted; decided some seconds later', defers: 'pending' },
  tok_requires_action: { about: 'The buyer must act first', defers: 'requires_action' },
  tok_partial: { about: 'Half of the amount is authorized', authorizesHalf: true },
  tok_capture_fails: {
    about: 'Authorized, but captures fail',
    refuses: { capture: ['capture_refused', 'The capture was refused'] },
  },
  tok_refund_fails: {
    about: 'Captured, but refunds fail',
    refuses: { refund: ['refund_refused', 'The refund was refused'] },
  },
  tok_dispute: { about: 'Everything succeeds; the buyer will dispute it' },
} as const satisfies Record<string, TokenBehaviour>

export type SandboxToken = keyof typeof TABLE
export const SANDBOX_TOKENS = Object.keys(TABLE) as SandboxToken[]

const UNKNOWN_TOKEN: TokenBehaviour = {
  about: 'No token of the sandbox',
  refuses: { authorize: ['invalid_token', `The sandbox knows these tokens: ${SANDBOX_TOKENS.join(', ')}`] },
}

export function behaviourOf(token: string): TokenBehaviour {
  return Object.hasOwn(TABLE, token) ? TABLE[token as SandboxToken] : UNKNOWN_TOKEN
}
