import { type Action, tryAction } from '../../core/actions.ts'
import { openUnits } from '../model/amounts.ts'
import { decide, type OrderCommand } from '../model/decide.ts'
import { openLines } from '../model/decide-shipping.ts'
import type { CreatedLine } from '../model/events.ts'
import type { OrderState } from '../model/order.ts'
import type { OrderAction } from './schemas.ts'

/** A line that costs nothing, so that only the rules about edits can refuse it. */
const freeLine = (order: OrderState): CreatedLine => ({
  ...{ line_no: (order.lines.at(-1)?.lineNo ?? 0) + 1, product_id: 'any', location_id: 'any', quantity: 1 },
  ...{ price: 0, discount: 0, tax_included: 0, amount: 0, tax: 0 },
})

/** One unit of the first line that has one in this sense, else of the first line, so that the rules say what is wrong. */
function oneUnit(order: OrderState, unitsLeft: (line: OrderState['lines'][number]) => number) {
  const line = order.lines.find((other) => unitsLeft(other) > 0) ?? order.lines[0]
  return line === undefined ? [] : [{ line_no: line.lineNo, quantity: 1 }]
}

/**
 * What the rules say to each command on an order in this state: as it is asked for without further words, or in part, such
 * as single shipments and the units that are still open. `bookedDay` is the day of the store on which it is asked.
 */
export function orderActions(order: OrderState, bookedDay: string): Action<OrderAction>[] {
  const attempt = (action: OrderAction, ...commands: OrderCommand[]) =>
    tryAction(action, ...commands.map((command) => () => decide(command, order, bookedDay)))
  const open = oneUnit(order, openUnits)
  const onTheWay = order.shipments.find(({ delivered }) => !delivered)
  return [
    attempt('ship', { type: 'Ship', tracking: {} }),
    attempt(
      'deliver',
      { type: 'Deliver' },
      ...(onTheWay === undefined ? [] : [{ type: 'Deliver', shipmentNo: onTheWay.shipmentNo } as const]),
    ),
    attempt(
      'cancel',
      { type: 'Cancel' },
      ...(openLines(order).length === 0 ? [] : [{ type: 'Cancel', items: open } as const]),
    ),
    attempt('return', {
      type: 'Return',
      items: oneUnit(order, ({ shipped, returned }) => shipped - returned),
      restock: true,
    }),
    attempt('edit', { type: 'Edit', add: [freeLine(order)], remove: [] }, { type: 'Edit', add: [], remove: open }),
    attempt('change_address', { type: 'ChangeAddress', place: order.place }),
  ]
}
