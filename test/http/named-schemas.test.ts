import { describe, expect, it } from 'vitest'
import { nameSchemas } from '../../src/http/named-schemas.ts'

const answer = (schema: object) => ({ content: { 'application/json': { schema } } })
const post = { title: 'Post', type: 'object', properties: { title: { type: 'string' } }, examples: [{ title: 'x' }] }

describe('schemas with a title', () => {
  it('are told once, under that name, wherever they are used; a field or an example called title is none', () => {
    const page = { type: 'object', properties: { items: { type: 'array', items: post } } }
    const { components, paths } = nameSchemas({
      paths: { '/a': { get: { responses: { 200: answer(page), 201: answer(post) } } } },
      components: { schemas: { Problem: { type: 'object' } } },
    })
    const { title: _, ...named } = post
    expect(components.schemas).toEqual({ Post: named, Problem: { type: 'object' } })
    const ref = { $ref: '#/components/schemas/Post' }
    const { responses } = paths['/a'].get
    expect(responses[201]).toEqual(answer(ref))
    expect(responses[200]).toEqual(answer({ type: 'object', properties: { items: { type: 'array', items: ref } } }))
  })

  it('of one name are one schema', () => {
    const twice = (second: object) => () =>
      nameSchemas({ paths: { '/a': { get: { responses: { 200: answer(post), 201: answer(second) } } } } })
    expect(twice({ ...post })).not.toThrow()
    expect(twice({ ...post, type: 'string' })).toThrow('Two schemas have the title Post')
  })

  it('make a body optional when nothing of it is required', () => {
    const required = (schema: object) => {
      const { paths } = nameSchemas({
        paths: { '/a': { post: { requestBody: { required: true, ...answer(schema) } } } },
      })
      return paths['/a'].post.requestBody.required
    }
    expect(required({ title: 'Ship', type: 'object', properties: {} })).toBe(false)
    expect(required({ type: 'object', required: ['a'] })).toBe(true)
    expect(required({ type: 'object', minProperties: 1 })).toBe(true)
  })
})
