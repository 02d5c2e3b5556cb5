import type { Orders } from '../orders/orders.ts'
import type { Payments } from '../payments/payments.ts'

/**
 * Erases a customer from both models. May be repeated. The payments come first: they know him by his key alone, also where
 * the orders do not know him. Throws what `orders.eraseCustomer` throws.
 */
export async function eraseCustomer(
  {
    orders,
    payments,
  }: { readonly orders: Pick<Orders, 'eraseCustomer'>; readonly payments: Pick<Payments, 'eraseCustomer'> },
  customerId: string,
): Promise<void> {
  await payments.eraseCustomer(customerId)
  await orders.eraseCustomer(customerId)
}
