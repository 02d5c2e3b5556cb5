import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const call: TestServer['call'] = (...args) => server.call(...args)
const user = (id: string) => call('POST', '/v1/users', { user_id: id, handle: id, name: `Name ${id}` })
const publish = (id: string, text: string, headers?: Record<string, string>) =>
  call('POST', '/v1/posts', { user_id: id, content: { text } }, headers)

describe('social over HTTP', () => {
  it('creates, reads and erases a user', async () => {
    const created = await user('ada')
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({ user_id: 'ada', handle: 'ada', name: 'Name ada' })
    expect((await call('GET', '/v1/users/ada')).body).toEqual(created.body)
    expect(await user('ada')).toMatchObject({ status: 409, body: { code: 'already_exists' } })
    await user('temp')
    expect((await call('DELETE', '/v1/users/temp')).status).toBe(204)
    expect(await call('GET', '/v1/users/temp')).toMatchObject({ status: 404, body: { code: 'user_not_found' } })
    expect((await call('DELETE', '/v1/users/never')).status).toBe(404)
  })

  it('carries a post from its author to a follower, and back out on unfollow', async () => {
    await user('bob')
    expect((await call('PUT', '/v1/users/bob/follows/ada')).status).toBe(204)
    expect((await call('PUT', '/v1/users/bob/follows/ada')).status).toBe(204)
    const post = await publish('ada', 'hello')
    expect(post.status).toBe(201)
    expect(post.body).toMatchObject({
      user_id: 'ada',
      content: { text: 'hello' },
      visibility: 'public',
      like_count: 0,
      comment_count: 0,
    })
    const timeline = await until('bob sees it', async () => {
      const page = (await call('GET', '/v1/users/bob/timeline')).body
      return page.items.length === 1 ? page : undefined
    })
    expect(timeline).toEqual({ items: [{ ...post.body, liked: false }], newer_token: expect.any(String) })
    expect((await call('GET', '/v1/users/ada/posts')).body).toEqual({ items: [post.body] })
    expect((await call('GET', '/v1/users/ada/followers')).body.items).toMatchObject([{ user_id: 'bob', handle: 'bob' }])
    expect((await call('GET', '/v1/users/bob/follows')).body.items).toMatchObject([{ user_id: 'ada' }])
    expect((await call('DELETE', '/v1/users/bob/follows/ada')).status).toBe(204)
    expect((await call('GET', '/v1/users/bob/timeline')).body).toMatchObject({ items: [] })
  })

  it('publishes once per key and says that an answer is a replay', async () => {
    const key = { 'idempotency-key': 'post-1' }
    const first = await publish('ada', 'once', key)
    const second = await publish('ada', 'once', key)
    expect(second.status).toBe(201)
    expect(second.body).toEqual(first.body)
    expect(second.headers['idempotent-replayed']).toBe('true')
    expect(first.headers['idempotent-replayed']).toBeUndefined()
    expect(await publish('ada', 'else', key)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  })

  it('likes, comments and deletes', async () => {
    const id = (await publish('ada', 'like me')).body.post_id
    expect((await call('PUT', `/v1/posts/${id}/likes/bob`)).status).toBe(204)
    expect((await call('PUT', `/v1/posts/${id}/likes/bob`)).status).toBe(204)
    const comment = await call('POST', `/v1/posts/${id}/comments`, { user_id: 'bob', text: 'nice' })
    expect(comment).toMatchObject({ status: 201, body: { post_id: id, user_id: 'bob', text: 'nice' } })
    expect((await call('GET', `/v1/posts/${id}`)).body).toMatchObject({ like_count: 1, comment_count: 1 })
    expect((await call('GET', `/v1/posts/${id}/comments`)).body).toEqual({ items: [comment.body] })
    expect((await call('DELETE', `/v1/comments/${comment.body.comment_id}`)).status).toBe(204)
    expect((await call('DELETE', `/v1/posts/${id}/likes/bob`)).status).toBe(204)
    expect((await call('GET', `/v1/posts/${id}`)).body).toMatchObject({ like_count: 0, comment_count: 0 })
    expect((await call('DELETE', `/v1/posts/${id}`)).status).toBe(204)
    expect(await call('GET', `/v1/posts/${id}`)).toMatchObject({ status: 404, body: { code: 'post_not_found' } })
  })

  it('pages by cursor', async () => {
    await user('pager')
    for (const text of ['1', '2', '3']) await publish('pager', text)
    const textsOf = (page: { items: { content: { text: string } }[] }) => page.items.map((post) => post.content.text)
    const first = (await call('GET', '/v1/users/pager/timeline?limit=2')).body
    expect(textsOf(first)).toEqual(['3', '2'])
    const second = (await call('GET', `/v1/users/pager/timeline?limit=2&cursor=${first.next_cursor}`)).body
    expect(textsOf(second)).toEqual(['1'])
    expect(second.next_cursor).toBeUndefined()
    expect(await call('GET', '/v1/users/pager/timeline?cursor=nonsense')).toMatchObject({
      status: 400,
      body: { code: 'invalid_cursor' },
    })
    expect(await call('GET', '/v1/users/pager/timeline?limit=0')).toMatchObject({
      status: 400,
      body: { code: 'invalid_input' },
    })
  })

  it('answers as a viewer may see it', async () => {
    const body = { user_id: 'ada', content: { text: 'inner circle' }, visibility: 'followers' }
    const id = (await call('POST', '/v1/posts', body)).body.post_id
    expect((await call('GET', `/v1/posts/${id}`)).status).toBe(200)
    expect((await call('GET', `/v1/posts/${id}?viewer=ada`)).status).toBe(200)
    expect((await call('GET', `/v1/posts/${id}?viewer=bob`)).status).toBe(404)
    expect((await call('GET', `/v1/posts/${id}?viewer=b%20b`)).status).toBe(400)
  })

  it('suggests whom a user might follow', async () => {
    for (const id of ['sam', 'hub-a', 'hub-b', 'far-1', 'far-2']) await user(id.replace('-', '_'))
    const follow = async (id: string, ...others: string[]) => {
      for (const other of others) expect((await call('PUT', `/v1/users/${id}/follows/${other}`)).status).toBe(204)
    }
    await follow('sam', 'hub_a', 'hub_b')
    await follow('hub_a', 'far_1', 'far_2', 'sam')
    await follow('hub_b', 'far_2')
    const [first, second] = [
      { user_id: 'far_2', handle: 'far_2', name: 'Name far_2', through: 2 },
      { user_id: 'far_1', handle: 'far_1', name: 'Name far_1', through: 1 },
    ]
    const path = '/v1/users/sam/suggestions'
    expect(await call('GET', path)).toMatchObject({ status: 200, body: { items: [first, second] } })
    expect((await call('GET', `${path}?limit=1`)).body).toEqual({ items: [first] })
    expect((await call('GET', '/v1/users/far_1/suggestions')).body).toEqual({ items: [] })
    expect((await call('DELETE', '/v1/users/far_2')).status).toBe(204)
    expect((await call('GET', path)).body).toEqual({ items: [second] })
    for (const query of ['limit=0', 'limit=x', 'cursor=abc']) {
      expect(await call('GET', `${path}?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    }
    expect(await call('GET', '/v1/users/never/suggestions')).toMatchObject({
      status: 404,
      body: { code: 'user_not_found' },
    })
    expect((await call('GET', path, undefined, { authorization: 'Bearer nobody' })).status).toBe(401)
  })

  it('refuses what the rules refuse', async () => {
    expect(await call('PUT', '/v1/users/ada/follows/ada')).toMatchObject({
      status: 422,
      body: { code: 'self_reference' },
    })
    expect(await call('PUT', '/v1/users/ada/follows/nobody')).toMatchObject({
      status: 404,
      body: { code: 'user_not_found' },
    })
    expect((await call('PUT', '/v1/users/ada/blocks/bob')).status).toBe(204)
    expect(await call('PUT', '/v1/users/bob/follows/ada')).toMatchObject({
      status: 422,
      body: { code: 'interaction_blocked' },
    })
    expect((await call('DELETE', '/v1/users/ada/blocks/bob')).status).toBe(204)
    expect((await call('PUT', '/v1/users/ada/mutes/bob')).status).toBe(204)
    expect((await call('DELETE', '/v1/users/ada/mutes/bob')).status).toBe(204)
    expect(await call('DELETE', '/v1/posts/not-an-id')).toMatchObject({ status: 404, body: { code: 'post_not_found' } })
    expect(await call('DELETE', '/v1/comments/1')).toMatchObject({ status: 404, body: { code: 'comment_not_found' } })
  })
})
