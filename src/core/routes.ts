import Type, { type Static } from 'typebox'
import { LIMITS } from './limits.ts'
import { validator } from './schema.ts'

const amount = Type.Integer({ minimum: 0, maximum: Number(LIMITS.amountMinorMax) })
const names = (description: string, pattern?: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: LIMITS.processorNameCharsMax, ...(pattern ? { pattern } : {}) }), {
    ...{ minItems: 1, maxItems: LIMITS.pageItemsMax, uniqueItems: true, description },
  })

/** Which processors take a payment. Every condition that is given must hold; the first rule that fits counts. */
export const RoutingRule = Type.Object(
  {
    currencies: Type.Optional(names('ISO 4217 codes', '^[A-Z]{3}$')),
    methods: Type.Optional(names('Kinds of payment methods, e.g. card')),
    amount_min: Type.Optional(amount),
    amount_max: Type.Optional(amount),
    processors: Type.Array(Type.String({ minLength: 1, maxLength: LIMITS.processorNameCharsMax }), {
      ...{ minItems: 1, maxItems: LIMITS.paymentRouteMax, uniqueItems: true },
      description: 'Names of processors, in the order in which they are tried',
    }),
  },
  { additionalProperties: false },
)
export type RoutingRule = Static<typeof RoutingRule>

const check = validator(Type.Array(RoutingRule, { maxItems: LIMITS.routingRulesMax }))

/** Rules as JSON. Throws what is wrong with them, in words that go behind the name of the setting. */
export function parseRoutes(text: string): readonly RoutingRule[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error('must be JSON: an array of rules such as {"currencies":["EUR"],"processors":["stripe","sandbox"]}')
  }
  const rules = check(json)
  const empty = rules.findIndex(({ amount_min: min = 0, amount_max: max = min }) => max < min)
  if (empty >= 0) throw new Error(`/${empty}: amount_max is less than amount_min, so that no payment fits`)
  return rules
}
