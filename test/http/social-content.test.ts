import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup/http.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  for (const id of ['ada', 'bob', 'cy']) {
    await server.call('POST', '/v1/users', { user_id: id, handle: id, name: id })
  }
})
afterAll(() => server.close())

const call: TestServer['call'] = (...args) => server.call(...args)
const publish = (body: object, headers?: Record<string, string>) => call('POST', '/v1/posts', body, headers)
const say = async (userId: string, text: string, more: object = {}) =>
  (await publish({ user_id: userId, content: { text }, ...more })).body
const problem = (status: number, code: string, more: object = {}) => ({ status, body: { code, ...more } })
const field = (pointer: string) => ({ errors: [expect.objectContaining({ pointer })] })

describe('editing posts over HTTP', () => {
  it('shows the new content under a new ETag, and keeps the old', async () => {
    const created = await publish({ user_id: 'ada', content: { text: 'one' } })
    expect(created).toMatchObject({ status: 201, headers: { etag: 'W/"1"' }, body: { version: 1, repost_count: 0 } })
    const url = `/v1/posts/${created.body.post_id}`
    const edited = await call('PATCH', url, { content: { text: 'two' } }, { 'if-match': 'W/"1"' })
    expect(edited).toMatchObject({ status: 200, headers: { etag: 'W/"2"' }, body: { version: 2 } })
    const read = await call('GET', url)
    expect(read.headers['etag']).toBe('W/"2"')
    expect(read.body).toEqual(edited.body)
    expect(Date.parse(read.body.edited_at)).toBeGreaterThanOrEqual(Date.parse(read.body.timestamp))
    expect(await call('GET', `${url}/versions`)).toMatchObject({
      status: 200,
      body: { items: [{ version: 1, content: { text: 'one' }, timestamp: created.body.timestamp }] },
    })
    const again = await call('PATCH', url, { content: { text: 'two' } }, { 'if-match': 'W/"1"' })
    expect(again).toMatchObject({ status: 200, headers: { etag: 'W/"2"' } })
    expect(await call('PATCH', url, { content: { text: 'three' } }, { 'if-match': 'W/"1"' })).toMatchObject(
      problem(412, 'version_mismatch', { version: 2 }),
    )
    expect((await call('GET', url)).body).toEqual(edited.body)
  })

  it('refuses what is no edit, and changes nothing', async () => {
    const post = await say('ada', 'stays')
    const url = `/v1/posts/${post.post_id}`
    const wrong: [body: unknown, status: number, code: string, pointer?: string][] = [
      [undefined, 400, 'invalid_input', '/content'],
      [{}, 400, 'invalid_input', '/content'],
      [{ content: {} }, 400, 'invalid_input', '/content'],
      [{ content: 'x' }, 400, 'invalid_input', '/content'],
      [{ content: { text: '' } }, 400, 'invalid_input', '/content/text'],
      [{ content: { text: 'x'.repeat(5_001) } }, 400, 'invalid_input', '/content/text'],
      [{ content: { text: 'x', html: 'x' } }, 400, 'invalid_input', '/content/html'],
      [{ content: { text: 'x' }, visibility: 'followers' }, 400, 'invalid_input', '/visibility'],
      [{ content: { text: 'x' }, user_id: 'bob' }, 400, 'invalid_input', '/user_id'],
      [{ content: { text: '4000 0000 0000 0002' } }, 422, 'card_number_refused', '/content/text'],
      ['{"content":', 400, 'malformed_json'],
    ]
    for (const [body, status, code, pointer] of wrong) {
      const expected = problem(status, code, pointer === undefined ? {} : field(pointer))
      expect([body, await call('PATCH', url, body)]).toMatchObject([body, expected])
    }
    const good = { content: { text: 'x' } }
    expect(await call('PATCH', url, good, { 'if-match': 'three' })).toMatchObject(
      problem(400, 'invalid_input', field('header/if-match')),
    )
    expect(await call('PATCH', '/v1/posts/1', good)).toMatchObject(problem(404, 'post_not_found'))
    expect(await call('PATCH', '/v1/posts/x', good)).toMatchObject(problem(404, 'post_not_found'))
    expect(await call('PATCH', url, good, { authorization: 'Bearer no' })).toMatchObject({ status: 401 })
    const repost = (await publish({ user_id: 'bob', repost_of: post.post_id })).body
    expect(await call('PATCH', `/v1/posts/${repost.post_id}`, good)).toMatchObject(problem(422, 'not_editable'))
    expect((await call('GET', url)).body).toEqual({ ...post, repost_count: 1 })
    expect((await call('GET', `${url}/versions`)).body).toEqual({ items: [] })
    expect(await call('GET', `${url}/versions?cursor=x`)).toMatchObject(problem(400, 'invalid_cursor'))
    expect(await call('GET', `${url}/versions?viewer=b%20b`)).toMatchObject(problem(400, 'invalid_input'))
    expect(await call('GET', '/v1/posts/1/versions')).toMatchObject(problem(404, 'post_not_found'))
  })
})

describe('reposts over HTTP', () => {
  it('are made once, quotes as often as one likes, and both show what they pass on', async () => {
    const post = await say('ada', 'pass it on')
    const repost = await publish({ user_id: 'bob', repost_of: post.post_id })
    expect(repost).toMatchObject({
      status: 201,
      body: { content: {}, repost_of: post.post_id, reposted: { ...post, repost_count: 1 } },
    })
    expect(await publish({ user_id: 'bob', repost_of: post.post_id })).toMatchObject(
      problem(409, 'already_exists', { post_id: repost.body.post_id }),
    )
    const quote = await say('bob', 'look', { repost_of: repost.body.post_id })
    expect(quote).toMatchObject({ content: { text: 'look' }, reposted: { post_id: post.post_id, repost_count: 2 } })
    expect((await call('GET', '/v1/users/bob/posts?limit=2')).body.items).toMatchObject([
      { post_id: quote.post_id, reposted: { content: { text: 'pass it on' } } },
      { post_id: repost.body.post_id, content: {}, reposted: { content: { text: 'pass it on' } } },
    ])
    expect((await call('DELETE', `/v1/posts/${repost.body.post_id}`)).status).toBe(204)
    expect((await call('GET', `/v1/posts/${post.post_id}`)).body.repost_count).toBe(1)
  })

  it('are repeated by their key', async () => {
    const post = await say('ada', 'keyed')
    const body = { user_id: 'cy', repost_of: post.post_id }
    const key = { 'idempotency-key': 'repost-1' }
    const first = await publish(body, key)
    const second = await publish(body, key)
    expect(second).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' }, body: first.body })
    expect(await publish({ ...body, content: { text: 'x' } }, key)).toMatchObject(
      problem(422, 'idempotency_key_reused'),
    )
  })

  it('are refused where the rules refuse them', async () => {
    const closed = await say('ada', 'inner circle', { visibility: 'followers' })
    const repost = (userId: string, repostOf: unknown) => publish({ user_id: userId, repost_of: repostOf })
    expect(await repost('ada', closed.post_id)).toMatchObject(problem(422, 'not_repostable'))
    expect(await repost('bob', closed.post_id)).toMatchObject(problem(404, 'post_not_found'))
    expect(await repost('bob', '1')).toMatchObject(problem(404, 'post_not_found'))
    for (const wrong of ['x', '', '-1', 5, null, {}]) {
      expect([wrong, await repost('bob', wrong)]).toMatchObject([
        wrong,
        problem(400, 'invalid_input', field('/repost_of')),
      ])
    }
    expect(await publish({ user_id: 'bob' })).toMatchObject(problem(400, 'invalid_input', field('/content')))
    const open = await say('ada', 'open')
    await call('PUT', '/v1/users/ada/blocks/cy')
    expect(await repost('cy', open.post_id)).toMatchObject(problem(422, 'interaction_blocked'))
    await call('DELETE', '/v1/users/ada/blocks/cy')
    expect((await call('GET', `/v1/posts/${open.post_id}`)).body.repost_count).toBe(0)
  })
})

describe('hashtags and mentions over HTTP', () => {
  it('are told with the post, and lead to it', async () => {
    const post = await say('ada', 'Hello @BOB and @nobody: #Engine #déjàvu')
    expect(post).toMatchObject({ mentions: ['bob'], hashtags: ['engine', 'déjàvu'] })
    for (const tag of ['engine', 'ENGINE', 'd%C3%A9j%C3%A0vu', encodeURIComponent('de\u0301ja\u0300vu')]) {
      expect((await call('GET', `/v1/hashtags/${tag}/posts`)).body).toEqual({ items: [post] })
    }
    await call('PUT', '/v1/users/cy/mutes/ada')
    expect((await call('GET', '/v1/hashtags/engine/posts?viewer=cy')).body).toEqual({ items: [] })
    await call('DELETE', '/v1/users/cy/mutes/ada')
    const newer = await say('cy', '#engine')
    const page = (await call('GET', '/v1/hashtags/engine/posts?limit=1')).body
    expect(page.items).toEqual([newer])
    const rest = (await call('GET', `/v1/hashtags/engine/posts?limit=1&cursor=${page.next_cursor}`)).body
    expect(rest).toEqual({ items: [post] })
  })

  it('refuses what is no hashtag', async () => {
    for (const wrong of ['%23engine', 'two%20words', '123', 'x'.repeat(51), '%F0%9F%8E%89']) {
      const answer = await call('GET', `/v1/hashtags/${wrong}/posts`)
      expect([wrong, answer]).toMatchObject([wrong, problem(400, 'invalid_input', field('params/tag'))])
    }
    expect(await call('GET', '/v1/hashtags/engine/posts?limit=0')).toMatchObject(problem(400, 'invalid_input'))
    expect(await call('GET', '/v1/hashtags/engine/posts?cursor=x')).toMatchObject(problem(400, 'invalid_cursor'))
    expect(await call('GET', '/v1/hashtags/engine/posts?viewer=b%20b')).toMatchObject(problem(400, 'invalid_input'))
    expect((await call('GET', '/v1/hashtags/x%00/posts')).status).toBe(400)
  })
})
