import { CELL_KEY, FIGURE_COLUMNS } from '../sql/report-tables.ts'
import type { MysqlTx } from './client-mysql2.ts'

/** What a row of the report has to do with units of an order. */
export interface UnitRow {
  order_id: bigint
  event_no: number
  product_category: string
  shipping_city: string
  product_id: string
  quantity: number
}

export interface MovedRow extends UnitRow {
  sale_day: string
  booked_day: string
  currency: string
  price: bigint
  tax: bigint
}

/** `[grain, has category, has city, has product]` */
const GRAINS = [
  ['all', false, false, false],
  ['category', true, false, false],
  ['city', false, true, false],
  ['category_city', true, true, false],
  ['product', false, false, true],
] as const

interface Figures {
  facts: number
  price: bigint
  tax: bigint
  quantity: number
  orders: number
}

interface DayCell extends Figures {
  readonly place: readonly [grain: string, category: string, city: string, product: string, currency: string]
  readonly saleDay: string
  readonly bookedDay: string
}

export interface Cell {
  readonly period: 'lifetime' | 'month' | 'day'
  readonly starts: string
  readonly place: DayCell['place']
  readonly sale: Figures
  readonly booked: Figures
}

const none = (): Figures => ({ facts: 0, price: 0n, tax: 0n, quantity: 0, orders: 0 })

function add(sum: Figures, more: Figures): void {
  sum.facts += more.facts
  sum.price += more.price
  sum.tax += more.tax
  sum.quantity += more.quantity
  sum.orders += more.orders
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => unknown): Item[][] {
  const groups = new Map<unknown, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}

export const piecesOf = <Item>(items: readonly Item[], max: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / max) }, (_, n) => items.slice(n * max, (n + 1) * max))

const isMoved = (row: UnitRow | MovedRow): row is MovedRow => 'sale_day' in row

/** Adds what one event did in one cell; `units` of its order were there before. Answers those that are there now. */
function addEvent(days: Map<string, DayCell>, rows: readonly (UnitRow | MovedRow)[], place: string[], units: number) {
  const now = rows.reduce((sum, row) => sum + row.quantity, units)
  const moved = rows.filter(isMoved)
  const [first] = moved
  if (first === undefined) return now
  const key = [...place, first.currency, first.sale_day, first.booked_day].join('\0')
  let cell = days.get(key)
  if (cell === undefined) {
    const [grain, category, city, product] = place as [string, string, string, string]
    const { currency, sale_day: saleDay, booked_day: bookedDay } = first
    cell = { ...none(), place: [grain, category, city, product, currency], saleDay, bookedDay }
    days.set(key, cell)
  }
  cell.orders += Number(now > 0) - Number(units > 0)
  cell.facts += moved.length
  for (const row of moved) {
    cell.price += row.price
    cell.tax += row.tax
    cell.quantity += row.quantity
  }
  return now
}

function dayCells(rows: readonly (UnitRow | MovedRow)[]): Iterable<DayCell> {
  const days = new Map<string, DayCell>()
  for (const order of grouped(rows, (row) => row.order_id)) {
    const events = grouped(order, (row) => row.event_no).sort((a, b) => a[0]!.event_no - b[0]!.event_no)
    for (const [grain, hasCategory, hasCity, hasProduct] of GRAINS) {
      const units = new Map<string, number>()
      for (const event of events) {
        const placeOf = (row: UnitRow) => [
          grain,
          hasCategory ? row.product_category : '',
          hasCity ? row.shipping_city : '',
          hasProduct ? row.product_id : '',
        ]
        for (const cell of grouped(event, (row) => placeOf(row).join('\0'))) {
          const place = placeOf(cell[0]!)
          const key = place.join('\0')
          units.set(key, addEvent(days, cell, place, units.get(key) ?? 0))
        }
      }
    }
  }
  return days.values()
}

const monthOf = (day: string) => `${day.slice(0, 7)}-01`

/**
 * Sums of rows by cell of the rollups: of `moved`, rows that came; `known` has the units that the same orders had before.
 *
 * An order counts in a cell while it has units there: of each event, whether it made the sum positive, or took it to
 * nothing. So counts can be added like amounts: a day's orders are those that came less those that went.
 */
export function cellsOf(moved: readonly MovedRow[], known: readonly UnitRow[] = []): Cell[] {
  const cells = new Map<string, Cell>()
  const cellOf = (period: Cell['period'], starts: string, place: Cell['place']) => {
    const key = [period, starts, ...place].join('\0')
    const found = cells.get(key) ?? { period, starts, place, sale: none(), booked: none() }
    cells.set(key, found)
    return found
  }
  for (const day of dayCells([...moved, ...known])) {
    for (const [period, of] of [
      ['lifetime', () => '0001-01-01'],
      ['month', monthOf],
      ['day', (date: string) => date],
    ] as const) {
      add(cellOf(period, of(day.saleDay), day.place).sale, day)
      add(cellOf(period, of(day.bookedDay), day.place).booked, day)
    }
  }
  return [...cells.values()]
}

const COLUMNS = ['generation', 'shard', ...CELL_KEY, ...FIGURE_COLUMNS]

const ADD = `
insert into sales_rollups (${COLUMNS.join(', ')}) values ?
on duplicate key update ${FIGURE_COLUMNS.map((column) => `${column} = ${column} + values(${column})`).join(', ')}`

/** Rows of one statement: some hundred kilobytes. */
const ROWS_MAX = 2_000

const told = ({ facts, price, tax, quantity, orders }: Figures) => [facts, price, tax, quantity, orders]

/** Adds the cells to the rollups of a generation and shard, in the order of their key. */
export async function addCells(tx: MysqlTx, generation: number, shard: number, cells: readonly Cell[]): Promise<void> {
  const rows = cells
    .map(({ period, starts, place: [grain, ...place], sale, booked }) => {
      const key = [grain, period, starts, ...place]
      return { key: key.join('\0'), row: [generation, shard, ...key, ...told(sale), ...told(booked)] }
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const piece of piecesOf(rows, ROWS_MAX)) await tx.execute(ADD, [piece.map(({ row }) => row)])
}
