/** The payment model alone: `import { openPayments } from 'fanfold/payments'`. */
import { type Alone, openAlone } from '../app/alone.ts'
import type { FanfoldOptions } from '../app/base.ts'
import { openPaymentsPart, PAYMENT_STORES } from '../app/parts/payments.ts'
import type { Payments } from '../payments/payments.ts'

export type { FanfoldOptions } from '../app/base.ts'
export type { Payments } from '../payments/payments.ts'
export type * from '../payments/processing/processor.ts'
export type * from '../payments/schemas.ts'

/** Opens payments and their read models, without the other models. Options and errors as for `createFanfold`. */
export function openPayments(options: FanfoldOptions = {}): Promise<Alone<{ readonly payments: Payments }>> {
  return openAlone(options, PAYMENT_STORES, async (base) => {
    const { payments, startWorkers } = await openPaymentsPart(base)
    return { model: { payments }, prunes: [payments.forgetBodies], startWorkers }
  })
}
