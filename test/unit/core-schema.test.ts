import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { type FieldProblem, isAppError } from '../../src/core/errors.ts'
import { type InputPart, validator } from '../../src/core/schema.ts'

const strict = { additionalProperties: false } as const
const Order = Type.Object(
  {
    customer_id: Type.String({ minLength: 1, maxLength: 64 }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', errorMessage: 'must be a currency such as "USD"' }),
    status: Type.Optional(Type.Enum(['PENDING', 'PAID'])),
    items: Type.Array(Type.Object({ quantity: Type.Integer({ minimum: 1 }) }, strict), { minItems: 1 }),
  },
  strict,
)
const order = { customer_id: 'c1', currency: 'USD', items: [{ quantity: 1 }] }

function problemsOf(schema: TSchema, value: unknown, part?: InputPart): readonly FieldProblem[] {
  try {
    validator(schema, part)(value)
  } catch (error) {
    if (!isAppError(error, 'invalid_input')) throw error
    return error.fields
  }
  return []
}

describe('validator', () => {
  it('answers the value itself', () => {
    expect(validator(Order)(order)).toBe(order)
  })

  it('names each field that is missing, unknown or wrong, by JSON pointer', () => {
    expect(problemsOf(Order, { currency: 'USD', items: [{ quantity: 0 }], extra: 1 })).toEqual(
      expect.arrayContaining([
        { pointer: '/customer_id', detail: 'is required' },
        { pointer: '/extra', detail: 'is not a field of this request' },
        { pointer: '/items/0/quantity', detail: 'must be >= 1' },
      ]),
    )
    expect(problemsOf(Order, { ...order, items: [{ quantity: 1, price: 1 }] })).toEqual([
      { pointer: '/items/0/price', detail: 'is not a field of this request' },
    ])
  })

  it('says the first problem in its message', () => {
    expect(() => validator(Order)({ ...order, customer_id: '' })).toThrow(
      /^\/customer_id must not have fewer than 1 characters$/,
    )
  })

  it.each([
    ['a text for a number', { items: [{ quantity: '1' }] }, '/items/0/quantity', 'must be integer'],
    ['a fraction', { items: [{ quantity: 1.5 }] }, '/items/0/quantity', 'must be integer'],
    ['null', { customer_id: null }, '/customer_id', 'must be string'],
    ['too few', { items: [] }, '/items', 'must not have fewer than 1 items'],
    ['a value that is not in the list', { status: 'LOST' }, '/status', 'must be one of PENDING, PAID'],
    ['a rule with words of its own', { currency: 'usd' }, '/currency', 'must be a currency such as "USD"'],
  ])('refuses %s', (_what, change, pointer, detail) => {
    expect(problemsOf(Order, { ...order, ...change })).toEqual([{ pointer, detail }])
  })

  it.each([undefined, null, 'text', 5, []])('refuses %j in place of an object', (value) => {
    const [problem] = problemsOf(Order, value)
    expect(problem).toEqual({ pointer: '/', detail: 'must be object' })
  })

  it('names a field even when every branch of an alternative fails', () => {
    const either = Type.Object({
      to: Type.Union([Type.Object({ id: Type.String() }, strict), Type.Object({ name: Type.String() }, strict)]),
    })
    const problems = problemsOf(either, { to: { other: 1 } })
    expect(problems.length).toBeGreaterThan(0)
    for (const problem of problems) expect(problem.pointer).toMatch(/^\/to/)
  })

  const Query = Type.Object({ limit: Type.Optional(Type.Integer()), paid: Type.Optional(Type.Boolean()) }, strict)

  it('refuses a fraction of a query where a whole number is wanted, rather than cutting it', () => {
    const detail = 'must be integer'
    expect(problemsOf(Query, { limit: '1.5' }, 'query')).toEqual([{ pointer: 'query/limit', detail }])
    expect(validator(Query, 'query')({ limit: '5.0' })).toEqual({ limit: 5 })
  })

  it('converts query strings to the types of the schema', () => {
    expect(validator(Query, 'query')({ limit: '5', paid: 'true' })).toEqual({ limit: 5, paid: true })
    expect(problemsOf(Query, { limit: 'many', page: '2' }, 'query')).toEqual(
      expect.arrayContaining([
        { pointer: 'query/limit', detail: 'must be integer' },
        { pointer: 'query/page', detail: 'is not a field of this request' },
      ]),
    )
  })

  it('never converts a body', () => {
    expect(problemsOf(Query, { limit: '5' })).toEqual([{ pointer: '/limit', detail: 'must be integer' }])
  })

  const card = (pointer: string) =>
    expect.objectContaining({ code: 'card_number_refused', fields: [expect.objectContaining({ pointer })] })

  it('refuses a card number before anything else, and never repeats it', () => {
    const given = { ...order, customer_id: '4242 4242 4242 4242', extra: 1 }
    expect(() => validator(Order)(given)).toThrow(card('/customer_id'))
    expect(() => validator(Order)(given)).not.toThrow(/4242/)
  })

  it('says in which part of a request the card number stands', () => {
    const Params = Type.Object({ id: Type.String() })
    expect(() => validator(Params, 'params')({ id: '4242424242424242' })).toThrow(card('params/id'))
  })

  it('refuses what is nested beyond reason, instead of failing at it', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    expect(() => validator(Type.Unknown())(deep)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})
