import { AppError, invalidField } from '../../core/errors.ts'
import type { LineQuantity } from '../model/events.ts'
import type { ItemInput } from './schemas.ts'

/**
 * Items as a caller names them, by the number or the id of their line. Whether the order has such lines, and so many
 * units, is for the rules to say. Throws `invalid_input`, and `unknown_order_line` for the id of another order's line.
 */
export function itemsOf(orderId: bigint, items: readonly ItemInput[], pointer = '/items'): LineQuantity[] {
  return items.map(({ line_no: lineNo, line_item_id: id, quantity }, index) => {
    if ((lineNo === undefined) === (id === undefined)) {
      throw invalidField(`${pointer}/${index}`, 'give either line_no or line_item_id')
    }
    return { line_no: lineNo ?? lineNoOf(orderId, id!), quantity }
  })
}

function lineNoOf(orderId: bigint, lineItemId: string): number {
  const [order, line] = lineItemId.split('-')
  if (order === String(orderId) && /^[1-9]\d{0,8}$/.test(line ?? '')) return Number(line)
  throw new AppError('unknown_order_line', `The order has no line ${lineItemId}`, {
    data: { line_item_id: lineItemId },
  })
}
