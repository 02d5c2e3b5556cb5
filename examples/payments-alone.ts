import { openPayments } from 'fanfold/payments'

/** A charge whose answer gets lost: it is unknown first, never failed, and found out in the background. */
export async function main(database = 'pglite:memory'): Promise<{ first: string; last: string }> {
  await using app = await openPayments({ database })
  const { payments } = app

  const created = await payments.create({
    ...{ amount: 2_500, currency: 'EUR', customer_id: 'ada' },
    payment_method: { token: 'tok_timeout_charged' },
  })
  const unknown = await payments.authorize(created.payment_intent_id)
  const first = unknown.pending_operation?.status ?? unknown.status

  // The recovery worker asks the processor again after two seconds.
  let payment = unknown
  const deadline = Date.now() + 30_000
  while (payment.status !== 'captured' && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    payment = await payments.get(created.payment_intent_id)
  }
  return { first, last: payment.status }
}

if (process.argv[1] === import.meta.filename) console.log(await main())
