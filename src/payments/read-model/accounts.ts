import type { DisputeStatus } from '../model/state.ts'

/** On which side an account grows: assets and expenses by debits (positive), income by credits (negative). */
export type AccountKind = 'asset' | 'income' | 'expense'

export interface AccountRule {
  readonly kind: AccountKind
  readonly about: string
}

/** The chart of accounts. That of a processor is one per processor: `processor:stripe`. */
export const ACCOUNTS = {
  processor: { kind: 'asset', about: 'What a processor has taken for us and not given back: what it owes us' },
  sales: { kind: 'income', about: 'What was captured' },
  refunds: { kind: 'expense', about: 'What was given back' },
  refunds_excess: {
    kind: 'asset',
    about: 'What a processor has given back beyond what the payment allows; a person must see to it',
  },
  disputes_held: { kind: 'asset', about: 'What banks hold back of disputes that are not closed' },
  dispute_losses: { kind: 'expense', about: 'What was lost with disputes' },
} as const satisfies Readonly<Record<string, AccountRule>>

export type AccountName = keyof typeof ACCOUNTS

const PROCESSOR = 'processor:'

export const processorAccount = (processor: string): string => `${PROCESSOR}${processor}`

/** The rule of an account by its full name; `undefined` when the chart has none such. */
export function accountRule(account: string): AccountRule | undefined {
  if (account.startsWith(PROCESSOR)) return ACCOUNTS.processor
  return account !== 'processor' && Object.hasOwn(ACCOUNTS, account) ? ACCOUNTS[account as AccountName] : undefined
}

/** Where the money of a dispute is, by its status; before it was opened and once it is won, the processor has it. */
export const DISPUTE_ACCOUNT = {
  needs_response: 'disputes_held',
  under_review: 'disputes_held',
  lost: 'dispute_losses',
  won: 'processor',
} as const satisfies Readonly<Record<DisputeStatus, AccountName>>
