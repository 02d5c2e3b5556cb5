import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'

describe('LIMITS', () => {
  it.each(Object.entries(LIMITS))('%s is a positive whole number', (_name, value) => {
    expect(BigInt(value)).toBeGreaterThan(0n)
  })

  it('fit each other', () => {
    expect(LIMITS.pageItemsDefault).toBeLessThanOrEqual(LIMITS.pageItemsMax)
    expect(LIMITS.postTextCharsMax).toBeLessThan(LIMITS.bodyBytesMax)
    expect(LIMITS.batchItemsMax).toBeLessThanOrEqual(LIMITS.batchWaitingMax)
    expect(LIMITS.processorMsMax).toBeLessThan(LIMITS.idempotencyLeaseMs)
    expect(LIMITS.amountMinorMax).toBeLessThanOrEqual(BigInt(Number.MAX_SAFE_INTEGER))
  })
})
