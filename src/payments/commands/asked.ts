import { AppError } from '../../core/errors.ts'
import type { Command } from '../model/commands.ts'
import type { PaymentState } from '../model/state.ts'
import { type Processors, processorNamed } from '../processing/operations.ts'
import type { Capabilities } from '../processing/processor.ts'

/** What is asked, without the name of the operation. Amounts in minor units. */
type Asked<Type extends 'IncrementAuthorization' | 'CapturePayment'> = Omit<Command<Type>, 'type' | 'opId'>

/**
 * Commands whose meaning depends on what the processor of the payment can do. Each throws `processor_cannot` where it
 * can't, and `processor_not_found`.
 */
export function createAskedCommands(processors: Processors) {
  const capabilitiesOf = ({ processor }: PaymentState): Capabilities =>
    processorNamed(processors, processor).capabilities

  function require(state: PaymentState, what: 'increments' | 'voidAfterCapture' | 'disputes', deed: string): void {
    if (capabilitiesOf(state)[what]) return
    throw new AppError('processor_cannot', `${state.processor} can't ${deed}`, { data: { processor: state.processor } })
  }

  return {
    increment(
      opId: string,
      { amount }: Asked<'IncrementAuthorization'>,
      state: PaymentState,
    ): Command<'IncrementAuthorization'> {
      if (state.phase === 'authorized') require(state, 'increments', 'add to an authorization')
      return { type: 'IncrementAuthorization', opId, amount }
    },
    capture(
      opId: string,
      { amount, final: isLast }: Asked<'CapturePayment'>,
      state: PaymentState,
    ): Command<'CapturePayment'> {
      const final = isLast === true || !capabilitiesOf(state).multipleCaptures
      return { type: 'CapturePayment', opId, amount, final }
    },
    void(opId: string, state: PaymentState): Command<'VoidPayment'> {
      if (state.captured > 0n) require(state, 'voidAfterCapture', 'release the rest after a capture')
      return { type: 'VoidPayment', opId }
    },
    /** Throws where the processor takes no evidence. */
    requireDisputes: (state: PaymentState) => require(state, 'disputes', 'take evidence'),
  }
}

export type AskedCommands = ReturnType<typeof createAskedCommands>
