/** Orders of one step of an erasure: a customer with very many must not hold locks for long. */
export const ORDERS_PER_STEP = 200

/** All orders of a customer, up to {@link ORDERS_PER_STEP} behind `after` at a time. */
export async function eachStep(
  step: (after: bigint) => Promise<readonly { readonly order_id: bigint }[]>,
): Promise<void> {
  let after = 0n
  for (;;) {
    const rows = await step(after)
    if (rows.length < ORDERS_PER_STEP) return
    after = rows.reduce((max, row) => (row.order_id > max ? row.order_id : max), after)
  }
}
