import { isDeepStrictEqual } from 'node:util'

type Json = Readonly<Record<string, unknown>>

/** What stands below these is data, not a schema. */
const DATA = new Set(['example', 'examples', 'default', 'enum', 'const'])

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** All members of the body may be left out, and then the body may be too. */
function isOptionalBody(body: Json, schemas: ReadonlyMap<string, Json>): boolean {
  const content = body['content'] as Record<string, { schema: Json }>
  return Object.values(content).every(({ schema }) => {
    const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1)! : ''
    const { type, required = [], minProperties = 0 } = schemas.get(name) ?? schema
    return type === 'object' && (required as unknown[]).length === 0 && minProperties === 0
  })
}

/**
 * Moves every schema with a `title` from the paths of an API description to `components.schemas` under that name, with a
 * `$ref` in its place, so that tools that read it know `Order` as one thing. Throws when one name means two schemas.
 */
export function nameSchemas<Document extends object>(document: Document): Document {
  const { paths, components, ...rest } = document as unknown as { paths: Json; components?: Json }
  const schemas = new Map(Object.entries((components?.['schemas'] ?? {}) as Record<string, Json>))

  function visit(value: unknown, key = ''): unknown {
    if (DATA.has(key)) return value
    if (Array.isArray(value)) return value.map((each) => visit(each))
    if (!isObject(value)) return value
    // The members of `properties` bear the names of fields, which may be any.
    const isFields = key === 'properties'
    const visited = Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, visit(each, isFields ? '' : name)]),
    )
    if (key === 'requestBody') return { ...visited, required: !isOptionalBody(visited, schemas) }
    if (isFields || typeof visited['title'] !== 'string') return visited
    const { title, ...schema } = visited
    const known = schemas.get(title)
    if (known !== undefined && !isDeepStrictEqual(known, schema))
      throw new Error(`Two schemas have the title ${title}: give one of them another`)
    schemas.set(title, schema)
    return { $ref: `#/components/schemas/${title}` }
  }

  const named = visit(paths)
  const sorted = [...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    ...rest,
    components: { ...components, schemas: Object.fromEntries(sorted) },
    paths: named,
  } as unknown as Document
}
