import { AppError } from '../../core/errors.ts'
import { formatMinor, fromMinor } from '../../core/money.ts'
import type { CreatedLine } from '../model/events.ts'
import { type OrderState, owedOf } from '../model/order.ts'
import { checkSold, priceAddedLines } from '../placing/pricing.ts'
import type { Sources } from '../placing/sources.ts'
import type { Order, PricedLine } from '../ports.ts'
import type { Prepare } from './change.ts'
import { itemsOf } from './items.ts'
import type { EditOrder } from './schemas.ts'

type AddedItems = NonNullable<EditOrder['add_items']>

/** A line as the history holds it. */
export function createdLine(line: PricedLine): CreatedLine {
  return {
    line_no: line.lineNo,
    product_id: line.productId,
    location_id: line.locationId,
    quantity: line.quantity,
    price: fromMinor(line.price),
    discount: fromMinor(line.discount),
    tax_included: fromMinor(line.taxIncluded),
    amount: fromMinor(line.amount),
    tax: fromMinor(line.tax),
  }
}

function checkTotal(after: OrderState, expected: number | undefined): void {
  const actual = owedOf(after)
  if (expected === undefined || BigInt(expected) === actual) return
  const { currency } = after
  const shown = (amount: bigint) => `${formatMinor(amount, currency)} ${currency}`
  throw new AppError('price_changed', `The order would cost ${shown(actual)}, not ${shown(BigInt(expected))}`, {
    data: { expected_total: expected, actual_total: fromMinor(actual), currency },
  })
}

/** New lines at the prices of now, in the currency of the order, taxed by its rules. */
async function priceAdded({ products, locator }: Sources, order: Order, items: AddedItems) {
  if (items.length === 0) return { lines: [], adjustments: [] }
  const known = await products.load([...new Set(items.map((item) => item.product_id))])
  checkSold(items, known)
  return priceAddedLines(order, await locator.locate(items, []), known)
}

/** The edit of an order: what is added is priced anew each time the order has changed. */
export function prepareEdit(sources: Sources, input: EditOrder): Prepare {
  const { add_items: add = [], remove_items: remove = [], reason, expected_total: expected } = input
  return async (order) => {
    const removed = itemsOf(order.orderId, remove, '/remove_items')
    const { lines, adjustments } = await priceAdded(sources, order, add)
    return {
      command: { type: 'Edit', add: lines.map(createdLine), remove: removed, reason },
      addedLines: lines,
      ...(adjustments.length === 0 ? {} : { adjustments: [...order.adjustments, ...adjustments] }),
      check: (after) => checkTotal(after, expected),
      forget: () => sources.products.forget(add.map((item) => item.product_id)),
      canMove: ({ productId }) => sources.locator.mayBeElsewhere(add, productId),
    }
  }
}
