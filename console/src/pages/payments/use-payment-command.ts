import type { Payment } from 'fanfold/client'
import { useCommand } from '../../data/use-command.ts'
import { useIdempotencyKeys } from '../../data/use-idempotency-keys.ts'
import { useTell } from '../../ui/toasts.tsx'
import { ALL } from './keys.ts'

/** Tells how a command ended: done, refused by the processor, or not known yet. */
function outcomeOf(payment: Payment, since: string | undefined): readonly ['ok' | 'bad' | 'info', string] {
  const { pending_operation: pending, last_error: error, next_action: action, status } = payment
  if (pending?.status === 'review')
    return ['bad', 'The processor gave an answer that only a person can judge: see Review']
  if (pending !== undefined) return ['info', 'The processor gave no clear answer yet; Fanfold goes on finding out']
  if (error !== undefined && error.op_id !== since)
    return ['bad', `The processor refused: ${error.message} (${error.code})`]
  if (action !== undefined) return ['info', `The buyer must act: ${action.type}`]
  return ['ok', `Done: the payment is ${status}`]
}

/** A command on a payment; the dialog shows refusals, and is closed with an answer. */
export function usePaymentCommand<Input>(
  payment: Payment,
  send: (input: Input, idempotencyKey: string) => Promise<Payment>,
  onClose: () => void,
) {
  const tell = useTell()
  const { keyFor } = useIdempotencyKeys()
  return useCommand((input: Input) => send(input, keyFor(input)), {
    refresh: [ALL],
    isQuiet: true,
    onDone(answer) {
      const [tone, words] = outcomeOf(answer, payment.last_error?.op_id)
      tell(words, tone)
      onClose()
    },
  })
}

export interface CommandDialogProps {
  readonly payment: Payment
  onClose(): void
}
