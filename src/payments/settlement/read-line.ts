import { holdsCardNumber } from '../../core/card-number.ts'
import { type FileRow, textOf } from '../../core/file-rows.ts'
import { LIMITS } from '../../core/limits.ts'
import { currencyExponent, isCurrency, parseDecimal } from '../../core/money.ts'
import type { SettlementLine, SettlementType } from '../ports/settlements.ts'
import { type SettlementMapping, typesByWord } from './mapping.ts'

const ID_CHARS_MAX = 255
const WHOLE = /^-?\d+$/
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d:?\d\d|UTC)?)?$/

class BadField extends Error {}

function amountOf(text: string, what: string, currency: string, isDecimal: boolean): bigint {
  const exponent = currencyExponent(currency)
  const digits = (/\.(\d*?)0*$/.exec(text)?.[1] ?? '').length
  if (isDecimal && digits > exponent) throw new BadField(`${what} has more than ${exponent} decimals, of ${currency}`)
  const amount = isDecimal ? parseDecimal(text, exponent) : WHOLE.test(text) ? BigInt(text) : undefined
  if (amount === undefined)
    throw new BadField(`${what} is not ${isDecimal ? 'a decimal number' : 'a whole number of minor units'}`)
  if (amount > LIMITS.amountMinorMax || amount < -LIMITS.amountMinorMax) throw new BadField(`${what} is too large`)
  return amount
}

function timeOf(text: string): number {
  const [, day, time = '00:00:00', zone = 'Z'] = TIME.exec(text) ?? []
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone === 'UTC' ? 'Z' : zone}`)
  if (Number.isNaN(ms)) throw new BadField('occurred_at is no time, such as 2026-01-31T12:00:00Z')
  return ms
}

export type LineReader = (row: FileRow) => SettlementLine | { readonly reason: string }

/** Reads rows of a file as its mapping says; what can't be read is answered with the reason. */
export function createLineReader(mapping: SettlementMapping): LineReader {
  const types = typesByWord(mapping)
  const { columns, amounts } = mapping
  const isDecimal = amounts === 'decimal'

  function read(row: FileRow): SettlementLine {
    const text = (name: keyof typeof columns) => {
      const column = columns[name]
      return column === undefined ? '' : textOf(row, column).trim()
    }
    function id(name: 'reference' | 'op_id' | 'payout_id'): string | undefined {
      const value = text(name)
      if (value.length > ID_CHARS_MAX) throw new BadField(`${name} has more than ${ID_CHARS_MAX} characters`)
      if (holdsCardNumber(value)) throw new BadField(`${name} holds a card number`)
      return value === '' ? undefined : value
    }
    const type: SettlementType | undefined = types.get(text('type').toLowerCase())
    if (type === undefined) throw new BadField(`type is none of ${[...types.keys()].join(', ')}`)
    const currency = text('currency').toUpperCase()
    if (!isCurrency(currency)) throw new BadField('currency is no ISO 4217 code')
    const fee = text('fee')
    return {
      ...{ line: row.line, type, currency, reference: id('reference'), opId: id('op_id'), payoutId: id('payout_id') },
      amount: amountOf(text('amount'), 'amount', currency, isDecimal),
      fee: fee === '' ? 0n : amountOf(fee, 'fee', currency, isDecimal),
      occurredAtMs: timeOf(text('occurred_at')),
    }
  }

  return (row) => {
    try {
      return read(row)
    } catch (error) {
      if (error instanceof BadField) return { reason: error.message }
      throw error
    }
  }
}
