import { fromMinor } from '../../core/money.ts'
import type { ProcessorOutcome } from './processor.ts'

/** An outcome as plain JSON, to be kept in the inbox; {@link outcomeFromJson} is its inverse. */
export function outcomeToJson(outcome: ProcessorOutcome): Record<string, unknown> {
  return outcome.kind === 'succeeded' ? { ...outcome, amount: fromMinor(outcome.amount) } : { ...outcome }
}

export function outcomeFromJson(json: Readonly<Record<string, unknown>>): ProcessorOutcome {
  const outcome = json as unknown as ProcessorOutcome
  return outcome.kind === 'succeeded' ? { ...outcome, amount: BigInt(outcome.amount) } : outcome
}
