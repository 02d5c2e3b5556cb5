import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup/http.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  for (const id of ['ada', 'bob', 'cy'])
    await call('POST', '/v1/users', { user_id: id, handle: id, name: `Name ${id}` })
})
afterAll(() => server.close())

const call: TestServer['call'] = (...args) => server.call(...args)
const publish = async (id: string, text: string): Promise<string> =>
  (await call('POST', '/v1/posts', { user_id: id, content: { text } })).body.post_id
const SEEN = '/v1/users/ada/notifications/seen'

describe('likes over HTTP', () => {
  it('says to a viewer whether he likes a post, and lists who does, in pages', async () => {
    const post = await publish('ada', 'like me')
    for (const fan of ['bob', 'cy']) expect((await call('PUT', `/v1/posts/${post}/likes/${fan}`)).status).toBe(204)
    expect((await call('GET', `/v1/posts/${post}?viewer=bob`)).body).toMatchObject({ liked: true, like_count: 2 })
    expect((await call('GET', `/v1/posts/${post}?viewer=ada`)).body.liked).toBe(false)
    expect((await call('GET', `/v1/posts/${post}`)).body).not.toHaveProperty('liked')
    expect((await call('GET', '/v1/users/ada/posts?viewer=bob')).body.items[0]).toMatchObject({ liked: true })
    const first = await call('GET', `/v1/posts/${post}/likes?limit=1`)
    expect(first).toMatchObject({ status: 200, body: { items: [{ name: expect.stringMatching(/^Name /) }] } })
    const second = await call('GET', `/v1/posts/${post}/likes?limit=1&cursor=${first.body.next_cursor}`)
    const users = [...first.body.items, ...second.body.items].map((item: { user_id: string }) => item.user_id)
    expect(users.sort()).toEqual(['bob', 'cy'])
    expect(second.body).not.toHaveProperty('next_cursor')
  })

  it('refuses wrong input to the list', async () => {
    const post = await publish('ada', 'x')
    for (const [url, status, code] of [
      [`/v1/posts/${post}/likes?limit=0`, 400, 'invalid_input'],
      [`/v1/posts/${post}/likes?limit=x`, 400, 'invalid_input'],
      [`/v1/posts/${post}/likes?cursor=abc`, 400, 'invalid_cursor'],
      [`/v1/posts/${post}/likes?viewer=no%20body`, 400, 'invalid_input'],
      [`/v1/posts/${post}/likes?sort=old`, 400, 'invalid_input'],
      ['/v1/posts/123/likes', 404, 'post_not_found'],
      ['/v1/posts/none/likes', 404, 'post_not_found'],
    ] as const) {
      expect(await call('GET', url), url).toMatchObject({ status, body: { code } })
    }
  })
})

describe('notifications over HTTP', () => {
  it('lists them, and remembers what was seen', async () => {
    const post = await publish('ada', 'tell me')
    await call('PUT', '/v1/users/bob/follows/ada')
    await call('PUT', `/v1/posts/${post}/likes/bob`)
    await call('POST', `/v1/posts/${post}/comments`, { user_id: 'cy', text: 'nice' })
    const mention = await publish('cy', 'hi @ada')
    const { status, body } = await call('GET', '/v1/users/ada/notifications')
    expect(status).toBe(200)
    expect(body.items.length).toBe(body.unread_count)
    const found = body.items.map((item: Record<string, unknown>) => [item['kind'], item['post_id'], item['actors']])
    expect(found).toEqual(
      expect.arrayContaining([
        ['mention', mention, ['cy']],
        ['comment', post, ['cy']],
        ['like', post, ['bob']],
        ['follow', undefined, ['bob']],
      ]),
    )
    expect(body.items[0]).toEqual({
      ...{ kind: 'mention', post_id: mention, count: 1, actors: ['cy'], unread: true },
      latest_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    const seen = await call('PUT', SEEN, { up_to: body.items[0].latest_at })
    expect(seen).toMatchObject({ status: 204, body: '' })
    const after = (await call('GET', '/v1/users/ada/notifications?limit=1')).body
    expect(after).toMatchObject({ unread_count: 0, items: [{ unread: false }] })
    expect((await call('GET', `/v1/users/ada/notifications?cursor=${after.next_cursor}`)).status).toBe(200)
    expect((await call('PUT', SEEN, { up_to: '2020-01-01T00:00:00+02:00' })).status).toBe(204)
    expect((await call('GET', '/v1/users/ada/notifications')).body.unread_count).toBe(0)
  })

  it('refuses wrong input, and changes nothing then', async () => {
    const unread = async () => (await call('GET', '/v1/users/ada/notifications')).body.unread_count
    await call('PUT', `/v1/posts/${await publish('ada', 'more')}/likes/cy`)
    const before = await unread()
    expect(before).toBeGreaterThan(0)
    for (const [what, body, pointer] of [
      ['nothing', {}, '/up_to'],
      ['no moment', { up_to: 'now' }, '/up_to'],
      ['a day', { up_to: '2026-01-31' }, '/up_to'],
      ['no offset', { up_to: '2026-01-31T12:00:00' }, '/up_to'],
      ['a number', { up_to: 1_700_000_000 }, '/up_to'],
      ['a field too many', { up_to: new Date().toISOString(), all: true }, '/all'],
    ] as const) {
      expect(await call('PUT', SEEN, body), what).toMatchObject({
        status: 400,
        body: { code: 'invalid_input', errors: [{ pointer }] },
      })
    }
    for (const [method, url, body, status, code] of [
      ['GET', '/v1/users/nobody/notifications', undefined, 404, 'user_not_found'],
      ['GET', '/v1/users/ada/notifications?limit=0', undefined, 400, 'invalid_input'],
      ['GET', '/v1/users/ada/notifications?cursor=x', undefined, 400, 'invalid_cursor'],
      ['PUT', '/v1/users/nobody/notifications/seen', { up_to: '2999-01-01T00:00:00Z' }, 404, 'user_not_found'],
    ] as const) {
      expect(await call(method, url, body), url).toMatchObject({ status, body: { code } })
    }
    expect(await unread()).toBe(before)
  })
})
