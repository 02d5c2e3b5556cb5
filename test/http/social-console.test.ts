import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

let server: TestServer
let stranger: Record<string, string>
beforeAll(async () => {
  server = await startServer()
  for (const [id, handle] of [
    ['u1', 'Ada'],
    ['u2', 'adele'],
    ['u3', 'AD_1'],
    ['u4', 'bob'],
  ])
    await server.call('POST', '/v1/users', { user_id: id, handle, name: `Name ${id}` })
  const { body } = await server.call('POST', '/v1/keys', { name: 'shop', scopes: ['orders'] })
  stranger = { authorization: `Bearer ${body.secret}` }
})
afterAll(() => server.close())

const get = (url: string, headers?: Record<string, string>) => server.call('GET', url, undefined, headers)

it('asks for the scope of the social model', async () => {
  for (const url of ['/v1/users', '/v1/users/u1/relations/u2', '/v1/posts/1/fanout'])
    expect((await get(url, stranger)).body, url).toMatchObject({ code: 'forbidden', required_scope: 'social:read' })
})

describe('listing users', () => {
  const handles = (body: { items: { handle: string }[] }) => body.items.map((user) => user.handle)

  it('walks them by handle, whatever its case, each once', async () => {
    const first = await get('/v1/users?limit=3')
    expect(first.status).toBe(200)
    expect(handles(first.body)).toEqual(['AD_1', 'Ada', 'adele'])
    expect(first.body.items[1]).toEqual((await get('/v1/users/u1')).body)
    const rest = await get(`/v1/users?limit=3&cursor=${first.body.next_cursor}`)
    expect(handles(rest.body)).toEqual(['bob'])
    expect(rest.body).not.toHaveProperty('next_cursor')
  })

  it('finds them by the beginning of the handle', async () => {
    const first = (await get('/v1/users?q=AD&limit=2')).body
    expect(handles(first)).toEqual(['AD_1', 'Ada'])
    expect(handles((await get(`/v1/users?q=ad&limit=2&cursor=${first.next_cursor}`)).body)).toEqual(['adele'])
    for (const q of ['da', 'ad%25', '%C3%A9', 'ada%20'])
      expect((await get(`/v1/users?q=${q}`)).body, q).toEqual({ items: [] })
  })

  it('tells those with given ids, in their order, without who is not there', async () => {
    expect(handles((await get('/v1/users?user_ids=u2,nobody,u1')).body)).toEqual(['adele', 'Ada'])
    expect((await get('/v1/users?user_ids=nobody')).body).toEqual({ items: [] })
    const many = Array.from({ length: 100 }, (_, n) => `u${n}`)
    expect((await get(`/v1/users?user_ids=${many}`)).body.items.length).toBeGreaterThan(2)
    for (const wrong of ['', 'a,', 'a b', `${many},one-more`])
      expect((await get(`/v1/users?user_ids=${wrong}`)).body.errors, wrong).toMatchObject([
        { pointer: 'query/user_ids' },
      ])
    for (const other of ['q=a', 'limit=3', 'cursor=x'])
      expect((await get(`/v1/users?user_ids=u1&${other}`)).body).toMatchObject({
        code: 'invalid_input',
        errors: [{ pointer: `query/${other.split('=')[0]}`, detail: 'must not come with user_ids' }],
      })
  })

  it('refuses a cursor of another list, a limit of 0 and what is no handle by its length', async () => {
    const { next_cursor } = (await get('/v1/users?q=ad&limit=1')).body
    expect((await get(`/v1/users?q=b&cursor=${next_cursor}`)).body.code).toBe('invalid_cursor')
    expect((await get('/v1/users?limit=0')).body.errors).toMatchObject([{ pointer: 'query/limit' }])
    expect((await get(`/v1/users?q=${'a'.repeat(31)}`)).body.errors).toMatchObject([{ pointer: 'query/q' }])
    expect((await get('/v1/users?handle=a')).body.errors).toMatchObject([{ pointer: 'query/handle' }])
  })
})

describe('the relations of two users', () => {
  const none = { follows: false, followed_by: false, blocks: false, blocked_by: false, mutes: false }

  it('are told in each direction', async () => {
    expect((await get('/v1/users/u1/relations/u2')).body).toEqual(none)
    await server.call('PUT', '/v1/users/u1/follows/u2')
    await server.call('PUT', '/v1/users/u2/mutes/u1')
    expect((await get('/v1/users/u1/relations/u2')).body).toEqual({ ...none, follows: true })
    expect((await get('/v1/users/u2/relations/u1')).body).toEqual({ ...none, followed_by: true, mutes: true })
    await server.call('PUT', '/v1/users/u1/blocks/u4')
    expect((await get('/v1/users/u1/relations/u4')).body).toEqual({ ...none, blocks: true })
    expect((await get('/v1/users/u4/relations/u1')).body).toEqual({ ...none, blocked_by: true })
    await server.call('DELETE', '/v1/users/u1/follows/u2')
    expect((await get('/v1/users/u1/relations/u2')).body).toEqual(none)
    expect((await get('/v1/users/u1/relations/u1')).body).toEqual(none)
  })

  it('are told of users that there are', async () => {
    expect((await get('/v1/users/u1/relations/nobody')).body.code).toBe('user_not_found')
    expect((await get('/v1/users/nobody/relations/u1')).body.code).toBe('user_not_found')
    expect((await get('/v1/users/u1/relations/a%20b')).body.errors).toMatchObject([{ pointer: 'params/other_id' }])
  })
})

describe('the fan-out of a post', () => {
  it('is told until it is done, with what became of each follower', async () => {
    await server.call('PUT', '/v1/users/u1/follows/u3')
    await server.call('PUT', '/v1/users/u2/follows/u3')
    await server.fanfold.social.rebuildTimelines({ userId: 'u1' })
    const post = (await server.call('POST', '/v1/posts', { user_id: 'u3', content: { text: 'on its way' } })).body
    const done = await until('it is done', async () => {
      const { body } = await get(`/v1/posts/${post.post_id}/fanout`)
      return body.state === 'done' ? body : undefined
    })
    expect(done).toEqual({
      ...{ post_id: post.post_id, mode: 'push', lane: 'small', state: 'done' },
      ...{ scanned: 2, delivered: 1, inactive: 1, duplicate: 0, chunks_done: 1, chunks_planned: 1 },
      published_at: post.timestamp,
      done_at: expect.any(String),
      staleness_ms: Date.parse(done.done_at) - Date.parse(post.timestamp),
    })
  })

  it('is that of a post that there is', async () => {
    expect((await get('/v1/posts/1/fanout')).body.code).toBe('post_not_found')
    expect((await get('/v1/posts/x/fanout')).body.code).toBe('post_not_found')
    const { post_id } = (await server.call('POST', '/v1/posts', { user_id: 'u3', content: { text: 'gone' } })).body
    await server.call('DELETE', `/v1/posts/${post_id}`)
    expect((await get(`/v1/posts/${post_id}/fanout`)).body.code).toBe('post_not_found')
  })
})
