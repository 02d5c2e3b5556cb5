import type { Order } from 'fanfold/client'

/** What every command on an order names: the order, and the key of the form. */
export const addressed = (order: Order, idempotencyKey: string) => ({
  params: { path: { order_id: order.order_id } },
  idempotencyKey,
})

/**
 * The same for a command that takes the place of what was seen, which another version is refused for. The others name
 * units: the rules refuse those that are not there any more, and a refund that is recorded meanwhile does them no harm.
 */
export const ofVersion = (order: Order, idempotencyKey: string) => ({
  ...addressed(order, idempotencyKey),
  ifMatch: `W/"${order.version}"`,
})

/** What is asked for again when an order changed: itself, the lists, stock, and what was paid. */
export const TOUCHED = [['orders'], ['products'], ['payments']] as const

/** The members whose text is not blank. */
export function filled<Name extends string>(texts: Readonly<Record<Name, string>>): { [name in Name]?: string } {
  return Object.fromEntries(
    Object.entries<string>(texts).flatMap(([name, text]) => (text.trim() === '' ? [] : [[name, text.trim()]])),
  ) as { [name in Name]?: string }
}
