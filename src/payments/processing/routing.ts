import { AppError } from '../../core/errors.ts'
import type { RoutingRule } from '../../core/routes.ts'
import type { PaymentMethod } from '../model/events.ts'
import { type Processors, processorNamed } from './operations.ts'

export interface RoutedPayment {
  readonly amount: bigint
  readonly currency: string
  readonly paymentMethod: PaymentMethod
  /** The processor that the caller wants; the rules are left aside then. */
  readonly processor: string | undefined
}

function fits(rule: RoutingRule, { amount, currency, paymentMethod }: RoutedPayment): boolean {
  const { currencies, methods, amount_min: min, amount_max: max } = rule
  return (
    (currencies?.includes(currency) ?? true) &&
    (methods?.includes(paymentMethod.type) ?? true) &&
    (min === undefined || amount >= min) &&
    (max === undefined || amount <= max)
  )
}

/**
 * The processors of a payment, in the order in which they are tried. Only the first needs to know `token`; the others
 * must be named in `tokens`. Throws `processor_not_found`, and `processor_cannot` when none takes the currency.
 */
export function routeOf(
  payment: RoutedPayment,
  deps: {
    readonly processors: Processors
    readonly routes: readonly RoutingRule[]
    readonly defaultProcessor: string
    /** Those that finish what they have begun and take nothing new. */
    readonly closedProcessors?: readonly string[] | undefined
  },
): readonly string[] {
  const { processor, currency } = payment
  if (processor !== undefined && deps.closedProcessors?.includes(processor))
    throw new AppError('processor_not_found', `${processor} takes no new payments here`)
  const rule = processor === undefined ? deps.routes.find((candidate) => fits(candidate, payment)) : undefined
  const names = rule?.processors ?? [processor ?? deps.defaultProcessor]
  const route = names.filter(
    (name) => processorNamed(deps.processors, name).capabilities.currencies?.includes(currency) ?? true,
  )
  if (route.length > 0) return route
  throw new AppError('processor_cannot', `${names.join(', ')} can't take ${currency}`, { data: { currency } })
}
