import { isAppError } from 'fanfold'
import { openPayments, type Processor, type ProcessorOutcome, type ProcessorRequest } from 'fanfold/payments'

/** Vouchers with a balance in cents. Of a real processor all this would lie at the other end of the wire. */
function voucherProcessor(balances: Map<string, bigint>): Processor {
  /** What was answered under each key: a key that comes again gets the same answer, and moves nothing. */
  const answers = new Map<string, ProcessorOutcome>()
  const holds = new Map<string, { voucher: string; held: bigint }>()

  async function once(
    { key, amount, currency }: ProcessorRequest,
    work: (ok: ProcessorOutcome) => ProcessorOutcome,
  ): Promise<ProcessorOutcome> {
    const known = answers.get(key)
    if (known !== undefined) return known
    const answer = work({ kind: 'succeeded', amount, currency, reference: `voucher_${key}` })
    answers.set(key, answer)
    return answer
  }
  /** An answer like this proves that nothing was moved. Whoever is not sure throws: then Fanfold finds out. */
  const refused = (code: string, message: string): ProcessorOutcome => ({ kind: 'failed', code, message })
  const add = (voucher: string, amount: bigint) => balances.set(voucher, (balances.get(voucher) ?? 0n) + amount)

  return {
    name: 'voucher',
    capabilities: {
      ...{ multipleCaptures: true, increments: false, voidAfterCapture: true, lookupByKey: true, disputes: false },
      ...{ keyLifetimeMs: 365 * 86_400_000, currencies: ['EUR'] },
    },
    authorize: (request) =>
      once(request, (ok) => {
        const { token: voucher, amount, key } = request
        if ((balances.get(voucher) ?? 0n) < amount) return refused('insufficient_funds', 'The voucher is used up')
        add(voucher, -amount)
        holds.set(`voucher_${key}`, { voucher, held: amount })
        return ok
      }),
    capture: (request) =>
      once(request, (ok) => {
        const hold = holds.get(request.reference)
        if (hold === undefined || hold.held < request.amount) return refused('not_authorized', 'Nothing is held')
        hold.held -= request.amount
        if (request.final) add(hold.voucher, hold.held)
        if (request.final) hold.held = 0n
        return ok
      }),
    void: (request) =>
      once(request, (ok) => {
        const hold = holds.get(request.reference)
        if (hold === undefined || hold.held < request.amount) return refused('not_authorized', 'Nothing is held')
        add(hold.voucher, hold.held)
        hold.held = 0n
        return ok
      }),
    refund: (request) =>
      once(request, (ok) => {
        const hold = holds.get(request.reference)
        if (hold === undefined) return refused('not_found', 'No such payment')
        add(hold.voucher, request.amount)
        return ok
      }),
    increment: async () => refused('not_supported', 'A voucher is authorized once'),
    submitEvidence: async () => refused('not_supported', 'There are no disputes'),
    /** What became of a key; `undefined` when it never came. */
    lookup: async ({ key }) => answers.get(key),
    verifyWebhook() {
      throw new Error('vouchers send no webhooks')
    },
  }
}

/** A processor of one's own, and a route on which it comes second. */
export async function main(
  database = 'pglite:memory',
): Promise<{ processor: string; balance: number; refused: string }> {
  const balances = new Map([['gift-7', 5_000n]])
  const routes = [{ currencies: ['EUR'], processors: ['sandbox', 'voucher'] }]
  await using app = await openPayments({ database, routes, processors: [voucherProcessor(balances)] })
  const { payments } = app

  // The sandbox is out of order with this token, and proves that it did nothing: so the voucher is asked.
  const { payment_intent_id: id } = await payments.create({
    ...{ amount: 3_000, currency: 'EUR' },
    payment_method: { token: 'tok_outage', tokens: { voucher: 'gift-7' } },
  })
  const { processor } = await payments.authorize(id)
  await payments.refund(id, { amount: 1_000 })

  const refused = await payments
    .create({ amount: 1, currency: 'JPY', processor: 'voucher', payment_method: { token: 'gift-7' } })
    .then(() => 'nothing')
    .catch((error: unknown) => (isAppError(error) ? error.code : String(error)))
  return { processor, balance: Number(balances.get('gift-7')), refused }
}

if (process.argv[1] === import.meta.filename) console.log(await main())
