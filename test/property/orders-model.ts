import fc from 'fast-check'

export const PRODUCTS = 3
const pick = fc.nat({ max: 1_000 })
const units = fc.integer({ min: 1, max: 3 })

/** What one worker may do; `order` and `line` pick among those that there are. */
export const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('place' as const),
      wants: fc.array(fc.record({ product: fc.nat({ max: PRODUCTS - 1 }), quantity: units }), {
        minLength: 1,
        maxLength: 3,
      }),
      shipping: fc.constantFrom(0, 500),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pay' as const), order: pick, payment: fc.nat({ max: 1 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('payHalf' as const), order: pick, payment: fc.nat({ max: 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refund' as const), order: pick }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('ship' as const), order: pick }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('shipItems' as const, 'cancelItems' as const, 'returnItems' as const),
      order: pick,
      line: pick,
      quantity: units,
      flag: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), order: pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('edit' as const),
      order: pick,
      product: fc.nat({ max: PRODUCTS - 1 }),
      add: fc.nat({ max: 2 }),
      line: pick,
      remove: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('move' as const), order: pick, city: fc.constantFrom('Oslo', 'Rome') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deliver' as const), order: pick }) },
)
export type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

interface ModelLine {
  readonly product: string
  readonly price: number
  readonly quantity: number
  shipped: number
  cancelled: number
  returned: number
}

/** What a command that was carried out did, in the words of the model. */
export type Done =
  | { readonly what: 'captured' | 'refunded'; readonly payment: string; readonly amount: number }
  | { readonly what: 'ship' | 'cancel'; readonly line?: number; readonly quantity?: number }
  | { readonly what: 'return'; readonly line: number; readonly quantity: number; readonly restock: boolean }
  | { readonly what: 'edit'; readonly add?: ModelLine; readonly line?: number; readonly remove?: number }
  | { readonly what: 'move'; readonly city: string }
  | { readonly what: 'deliver' }

export function modelLine(product: string, price: number, quantity: number): ModelLine {
  return { product, price, quantity, shipped: 0, cancelled: 0, returned: 0 }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

/** An order as a clerk with a pencil would keep it: prices are whole, and there are no taxes. */
export function createModelOrder(lines: ModelLine[], shipping: number) {
  const captured = new Map<string, number>()
  const refunded = new Map<string, number>()
  let [status, city, shipments, shippingOwed, goodwill] = ['PENDING', 'New York', 0, shipping, 0]
  let version = 1
  /** Units that came back and can be sold again, by product. */
  const restocked = new Map<string, number>()

  const open = (line: ModelLine) => line.quantity - line.shipped - line.cancelled
  const left = (line: ModelLine) => line.quantity - line.cancelled - line.returned
  const owed = () => (status === 'CANCELLED' ? 0 : shippingOwed + sum(lines.map((line) => line.price * left(line))))
  const held = () => sum([...captured.values()]) - sum([...refunded.values()])
  const amountDue = () => Math.max(0, owed() - held() - goodwill)

  function settle(): void {
    if (status === 'PENDING' && amountDue() === 0) status = 'PAID'
    else if (status === 'PAID' && lines.every((line) => open(line) === 0)) status = 'SHIPPED'
  }

  function cancelAll(): void {
    for (const line of lines) line.cancelled += open(line)
    shippingOwed = 0
    status = 'CANCELLED'
  }

  function record(book: Map<string, number>, payment: string, amount: number): boolean {
    const before = book.get(payment) ?? 0
    if (amount <= before) return false
    const due = Math.max(0, held() - owed())
    if (book === refunded && status !== 'PENDING') goodwill += Math.max(0, amount - before - due)
    book.set(payment, amount)
    return true
  }

  function carryOut(done: Done): boolean {
    switch (done.what) {
      case 'captured': {
        const changed = record(captured, done.payment, done.amount)
        if (changed && status === 'PENDING') settle()
        return changed
      }
      case 'refunded':
        return record(refunded, done.payment, done.amount)
      case 'ship':
        for (const [index, line] of lines.entries()) {
          if (done.line === undefined) line.shipped += open(line)
          else if (done.line === index + 1) line.shipped += done.quantity!
        }
        shipments += 1
        settle()
        return true
      case 'cancel': {
        const line = done.line === undefined ? undefined : lines[done.line - 1]!
        const last = line !== undefined && sum(lines.map(open)) === done.quantity
        if (line === undefined || (last && lines.every(({ shipped }) => shipped === 0))) cancelAll()
        else line.cancelled += done.quantity!
        settle()
        return true
      }
      case 'return': {
        const line = lines[done.line - 1]!
        line.returned += done.quantity
        if (done.restock) restocked.set(line.product, (restocked.get(line.product) ?? 0) + done.quantity)
        return true
      }
      case 'edit':
        if (done.line !== undefined) lines[done.line - 1]!.cancelled += done.remove!
        if (done.add !== undefined) lines.push(done.add)
        settle()
        return true
      case 'move':
        if (city === done.city) return false
        city = done.city
        return true
      case 'deliver':
        status = 'DELIVERED'
        return true
    }
  }

  // What costs nothing is PAID as soon as it is placed.
  if (owed() === 0) {
    status = 'PAID'
    version = 2
  }

  return {
    lines,
    /** Whether it changed anything; then the version has moved. */
    apply(done: Done): boolean {
      const changed = carryOut(done)
      if (changed) version += 1
      return changed
    },
    version: () => version,
    isBooked: () => ['PAID', 'SHIPPED', 'DELIVERED'].includes(status),
    city: () => city,
    left,
    /** Units that are reserved, and that have left and not come back, by product. */
    reserved: (product: string) =>
      sum(lines.filter((line) => line.product === product).map((line) => (status === 'CANCELLED' ? 0 : open(line)))),
    gone: (product: string) =>
      sum(lines.filter((line) => line.product === product).map((line) => line.shipped)) - (restocked.get(product) ?? 0),
    /** As the document of the API shows it. */
    shown: () => ({
      version,
      status,
      owed_total: owed(),
      paid_total: sum([...captured.values()]),
      refunded_total: sum([...refunded.values()]),
      amount_due: amountDue(),
      refund_due: Math.max(0, held() - owed()),
      shipping_address: { city },
      shipments: Array.from({ length: shipments }, () => ({})),
      items: lines.map((line, index) => ({
        line_no: index + 1,
        product_id: line.product,
        quantity: line.quantity,
        quantity_shipped: line.shipped,
        quantity_cancelled: line.cancelled,
        quantity_returned: line.returned,
      })),
    }),
  }
}

export type ModelOrder = ReturnType<typeof createModelOrder>
