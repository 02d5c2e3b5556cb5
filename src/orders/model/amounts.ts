import { divideHalfUp, fromMinor, type Minor } from '../../core/money.ts'
import { type Leg, type LineQuantity, type Place, SHIPPING_LINE } from './events.ts'
import type { LineState, OrderState } from './order.ts'

/**
 * What parts of an order are worth. Every part is the difference of two cumulative roundings, so that whatever is taken
 * back in however many pieces sums to the whole line, to the cent.
 */
export interface Worth {
  /** Net of tax. */
  readonly amount: Minor
  readonly tax: Minor
}

export const NOTHING: Worth = { amount: 0n, tax: 0n }

export const grossOf = ({ amount, tax }: Worth): Minor => amount + tax
export const plus = (a: Worth, b: Worth): Worth => ({ amount: a.amount + b.amount, tax: a.tax + b.tax })

/** Units of a line that were taken back, before or after they were shipped. */
const unitsBack = (line: LineState) => line.cancelled + line.returned

/** A line's units that are neither cancelled nor on their way. */
export const openUnits = (line: LineState) => line.quantity - line.cancelled - line.shipped

/** What the first `units` units of a line are worth. */
function worthUpTo(line: LineState, units: number): Worth {
  const share = (whole: Minor) => divideHalfUp(whole * BigInt(units), BigInt(line.quantity))
  return { amount: share(line.amount), tax: share(line.tax) }
}

/** What the next `units` units of a line to be taken back are worth. */
export function worthOfUnits(line: LineState, units: number): Worth {
  const before = worthUpTo(line, unitsBack(line))
  const after = worthUpTo(line, unitsBack(line) + units)
  return { amount: after.amount - before.amount, tax: after.tax - before.tax }
}

/** What is left of a line when all that was taken back is subtracted. */
export const worthLeft = (line: LineState): Worth => worthOfUnits(line, line.quantity - unitsBack(line))

/** What is left of the shipping. */
export const shippingLeft = ({ shipping }: OrderState): Worth => (shipping.takenBack ? NOTHING : shipping)

export function lineOf(order: OrderState, lineNo: number): LineState | undefined {
  return order.lines.find((line) => line.lineNo === lineNo)
}

/** One signed amount; `sign` -1 takes it back. */
export function leg(
  kind: Leg['kind'],
  sign: 1 | -1,
  part: { readonly lineNo: number; readonly quantity: number; readonly worth: Worth; readonly place?: Place },
): Leg {
  return {
    line_no: part.lineNo,
    kind,
    quantity: sign * part.quantity,
    amount: sign * fromMinor(part.worth.amount),
    tax: sign * fromMinor(part.worth.tax),
    ...(part.place === undefined ? {} : { place: part.place }),
  }
}

/** Everything that is left of an order as legs of one sign, shipping last. Nothing is booked for what is worth nothing. */
export function legsOfAll(order: OrderState, kind: Leg['kind'], sign: 1 | -1, place?: Place): Leg[] {
  const at = place === undefined ? {} : { place }
  const lines = order.lines
    .map((line) => ({ lineNo: line.lineNo, quantity: line.quantity - unitsBack(line), worth: worthLeft(line), ...at }))
    .filter(({ quantity }) => quantity > 0)
  const shipping = { lineNo: SHIPPING_LINE, quantity: 0, worth: shippingLeft(order), ...at }
  return [...lines, ...(grossOf(shipping.worth) > 0n ? [shipping] : [])].map((part) => leg(kind, sign, part))
}

/** The worth of some units of lines, and the legs that take it back. Line numbers must exist. */
export function takeBack(
  order: OrderState,
  quantities: readonly LineQuantity[],
  kind: Leg['kind'],
  withShipping: boolean,
): { worth: Worth; legs: Leg[] } {
  const parts = quantities.map(({ line_no: lineNo, quantity }) => ({
    lineNo,
    quantity,
    worth: worthOfUnits(lineOf(order, lineNo)!, quantity),
  }))
  const shipping = withShipping ? shippingLeft(order) : NOTHING
  if (grossOf(shipping) > 0n) parts.push({ lineNo: SHIPPING_LINE, quantity: 0, worth: shipping })
  return {
    worth: parts.reduce((sum, part) => plus(sum, part.worth), NOTHING),
    legs: parts.map((part) => leg(kind, -1, part)),
  }
}

/** The sums of an order's lines and its shipping, as they were bought. */
export function totalsOf({ lines, shipping, totalPrice }: OrderState) {
  const sum = (pick: (line: LineState) => Minor) => lines.reduce((total, line) => total + pick(line), 0n)
  return {
    /** Net of discounts and tax. */
    subtotal: sum((line) => line.amount),
    discountTotal: sum((line) => line.discount),
    shippingTotal: shipping.amount,
    taxTotal: sum((line) => line.tax) + shipping.tax,
    totalPrice,
  }
}
