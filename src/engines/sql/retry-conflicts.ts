import { LIMITS } from '../../core/limits.ts'
import { failureKind, retry } from '../../core/retry.ts'

/**
 * The one place where a transaction that lost a race (serialization failure, deadlock) is run again. The database
 * promises that such a transaction did nothing.
 */
export function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
  return retry(
    {
      tries: LIMITS.transactionTriesMax,
      backoff: { firstMs: 2, maxMs: 200 },
      retryable: (error) => failureKind(error) === 'conflict',
    },
    work,
  )
}
