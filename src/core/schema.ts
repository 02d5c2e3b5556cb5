import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import Value from 'typebox/value'
import { findCardNumber } from './card-number.ts'
import { AppError, type FieldProblem } from './errors.ts'
import { findUnstorableText } from './plain-text.ts'

type SchemaError = ReturnType<ReturnType<typeof Compile>['Errors']>[number]

/** Where an input comes from; it is the first part of a field's pointer, but for the body. */
export type InputPart = 'body' | 'query' | 'params' | 'headers'

/** Rules that JSON Schema can't say shortly are given as `errorMessage` beside the rule. */
function detailOf(error: SchemaError, schema: TSchema): string {
  const custom = customMessage(error.schemaPath, schema)
  if (custom !== undefined) return custom
  if (error.keyword === 'enum')
    return `must be one of ${(error.params as { allowedValues: unknown[] }).allowedValues.join(', ')}`
  return error.message
}

function customMessage(schemaPath: string, schema: TSchema): string | undefined {
  let at: unknown = schema
  for (const step of schemaPath.split('/').slice(1)) {
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined
  }
  const message = typeof at === 'object' && at !== null && 'errorMessage' in at ? at.errorMessage : undefined
  return typeof message === 'string' ? message : undefined
}

const pointerIn = (part: InputPart, path: string) => (part === 'body' ? path || '/' : `${part}${path}`)

function fieldProblems(errors: readonly SchemaError[], schema: TSchema, part: InputPart): FieldProblem[] {
  const at = (path: string) => pointerIn(part, path)
  const problems: FieldProblem[] = []
  for (const error of errors) {
    if (error.keyword === 'boolean') continue
    if (error.keyword === 'required') {
      for (const name of (error.params as { requiredProperties: string[] }).requiredProperties) {
        problems.push({ pointer: at(`${error.instancePath}/${name}`), detail: 'is required' })
      }
    } else if (error.keyword === 'additionalProperties') {
      for (const name of (error.params as { additionalProperties: string[] }).additionalProperties) {
        problems.push({ pointer: at(`${error.instancePath}/${name}`), detail: 'is not a field of this request' })
      }
    } else {
      problems.push({ pointer: at(error.instancePath), detail: detailOf(error, schema) })
    }
  }
  return problems
}

/** The texts of a query as the schema has them. What would lose something on the way stays a text, and is refused then. */
function converted(schema: TSchema, query: unknown): unknown {
  const texts = { ...(query as Record<string, unknown>) }
  const values = Value.Convert(schema, { ...texts }) as Record<string, unknown>
  for (const [name, text] of Object.entries(texts)) {
    if (typeof values[name] === 'number' && typeof text === 'string' && Number(text) !== values[name])
      values[name] = text
  }
  return values
}

export type Validator<T> = (value: unknown) => T

/**
 * Compiles a schema into a check that answers the value itself or throws `invalid_input` naming each wrong field, and
 * `card_number_refused` when card data stands anywhere in it. Query strings are converted to the types of the
 * schema first; bodies never are: `"5"` is no number.
 */
export function validator<Schema extends TSchema>(schema: Schema, part: InputPart = 'body'): Validator<Static<Schema>> {
  const compiled = Compile(schema)
  return (value) => {
    const found = findCardNumber(value, { fields: part === 'body' })
    if (found !== undefined) {
      const card = pointerIn(part, found)
      throw new AppError('card_number_refused', `${card}: card data must never be sent to Fanfold; send a token`, {
        fields: [{ pointer: card, detail: 'looks like card data' }],
      })
    }
    const unstorable = findUnstorableText(value)
    if (unstorable !== undefined) {
      const pointer = pointerIn(part, unstorable)
      const detail = 'holds a NUL character or half of a surrogate pair'
      throw new AppError('invalid_input', `${pointer} ${detail}`, { fields: [{ pointer, detail }] })
    }
    const input = part === 'query' ? converted(schema, value) : value
    if (compiled.Check(input)) return input as Static<Schema>
    const fields = fieldProblems(compiled.Errors(input), schema, part)
    const first = fields[0] ?? { pointer: '/', detail: 'is not valid' }
    throw new AppError('invalid_input', `${first.pointer} ${first.detail}`, { fields })
  }
}
