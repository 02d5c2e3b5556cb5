/** What questions about payments are known by; all that is shown of payments begins with the first. */
export const ALL = ['payments'] as const
export const LIST = ['payments', 'list'] as const
export const keysOf = (paymentId: string) => ({
  all: ['payments', 'one', paymentId] as const,
  now: ['payments', 'one', paymentId, 'now'] as const,
  events: ['payments', 'one', paymentId, 'events'] as const,
  ledger: ['payments', 'one', paymentId, 'ledger'] as const,
  version: (version: number) => ['payments', 'one', paymentId, 'version', version] as const,
})
