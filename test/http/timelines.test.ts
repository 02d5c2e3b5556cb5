import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { startServer, type TestServer } from '../setup/http.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({
    // Longest text first, and nothing without text.
    rankTimeline: (posts) =>
      posts
        .filter((post) => post.content.text !== undefined)
        .toSorted((a, b) => b.content.text!.length - a.content.text!.length),
  })
  for (const id of ['reader', 'ada', 'bob']) {
    await call('POST', '/v1/users', { user_id: id, handle: id, name: id })
    await server.fanfold.social.rebuildTimelines({ userId: id })
  }
  await call('PUT', '/v1/users/reader/follows/ada')
  await call('PUT', '/v1/users/reader/follows/bob')
})
afterAll(() => server.close())

const call: TestServer['call'] = (...args) => server.call(...args)
const timeline = (query = '') => call('GET', `/v1/users/reader/timeline${query}`)
async function publish(userId: string, content: object): Promise<string> {
  const post = await call('POST', '/v1/posts', { user_id: userId, content })
  await server.fanfold.caughtUp()
  return post.body.post_id
}
const say = (userId: string, text: string) => publish(userId, { text })
const textsOf = (answer: { body: { items: { content: { text: string } }[] } }) =>
  answer.body.items.map((post) => post.content.text)

describe('what came since', () => {
  it('is told once per token, newest first, and again for the same token', async () => {
    const { newer_token } = (await timeline()).body
    expect((await timeline(`?newer=${newer_token}`)).body).toEqual({ items: [], newer_token: expect.any(String) })
    await say('ada', 'one')
    await say('bob', 'two')
    const first = await timeline(`?newer=${newer_token}`)
    expect(textsOf(first)).toEqual(['two', 'one'])
    expect(textsOf(await timeline(`?newer=${newer_token}`))).toEqual(['two', 'one'])
    await say('ada', 'three')
    expect(textsOf(await timeline(`?newer=${first.body.newer_token}`))).toEqual(['three'])
  })

  it('has a gap when more came than asked for, and a cursor to it', async () => {
    const { newer_token } = (await timeline()).body
    for (const text of ['1', '2', '3']) await say('ada', text)
    const answer = await timeline(`?newer=${newer_token}&limit=2`)
    expect(answer.body).toMatchObject({ gap: true, next_cursor: expect.any(String) })
    expect(textsOf(answer)).toEqual(['3', '2'])
    expect(textsOf(await timeline(`?limit=1&cursor=${answer.body.next_cursor}`))).toEqual(['1'])
  })

  it('is a first page, called reset, after the timeline was built anew', async () => {
    const { newer_token } = (await timeline()).body
    await server.fanfold.social.rebuildTimelines({ userId: 'reader' })
    const answer = await timeline(`?newer=${newer_token}`)
    expect(answer.body.reset).toBe(true)
    expect(answer.body.items).toEqual((await timeline()).body.items)
    expect((await timeline(`?newer=${answer.body.newer_token}`)).body).toMatchObject({ items: [] })
  })

  it('is told right from a token that was made before the timeline was', async () => {
    await call('POST', '/v1/users', { user_id: 'new', handle: 'new', name: 'New' })
    await call('PUT', '/v1/users/new/follows/ada')
    const at = '/v1/users/new/timeline'
    const { newer_token } = (await call('GET', at)).body
    await say('ada', 'meanwhile')
    const first = await call('GET', `${at}?newer=${newer_token}`)
    expect(textsOf(first)).toEqual(['meanwhile'])
    await until('it is built', async () => {
      const ids = await server.fanfold.social.explainTimeline('new', first.body.items[0].post_id)
      return ids.steps.some((step) => step.detail === 'it is an entry of the timeline')
    })
    const second = (await call('GET', `${at}?newer=${first.body.newer_token}`)).body
    await say('ada', 'later')
    const third = await call('GET', `${at}?newer=${second.newer_token}`)
    expect(third.body.reset).toBeUndefined()
    expect(textsOf(third)).toEqual(['later'])
  })

  it.each([
    ['?newer=nonsense', 'invalid_cursor', 'query/newer'],
    ['?newer=', 'invalid_cursor', 'query/newer'],
    ['?cursor=nonsense', 'invalid_cursor', 'query/cursor'],
    ['?order=best', 'invalid_input', 'query/order'],
    [`?newer=${'x'.repeat(3_000)}`, 'invalid_input', 'query/newer'],
    ['?newr=x', 'invalid_input', 'query/newr'],
  ])('%s is refused and named', async (query, code, pointer) => {
    const answer = await timeline(query)
    expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([400, code, pointer])
  })

  it('can’t be asked for together with a cursor, nor with the token of another user', async () => {
    const { newer_token } = (await timeline()).body
    const { next_cursor } = (await timeline('?limit=1')).body
    const both = await timeline(`?newer=${newer_token}&cursor=${next_cursor}`)
    expect([both.status, both.body.errors[0].pointer]).toEqual([400, 'query/newer'])
    const other = await call('GET', `/v1/users/ada/timeline?newer=${newer_token}`)
    expect([other.status, other.body.code]).toEqual([400, 'invalid_cursor'])
  })
})

describe('ranked timelines', () => {
  it('are in the order of the function, page by page, each post once, without what it leaves out', async () => {
    await publish('ada', { media: [{ url: 'https://cdn.example/a.jpg', type: 'image' }] })
    const all = (await timeline('?limit=100')).body.items
    const shown: string[] = []
    for (let cursor = ''; ; ) {
      const page = await timeline(`?order=ranked&limit=2${cursor}`)
      expect(page.status).toBe(200)
      shown.push(...textsOf(page))
      if (page.body.next_cursor === undefined) break
      expect(page.body.items).toHaveLength(2)
      cursor = `&cursor=${page.body.next_cursor}`
    }
    const lengths = shown.map((text) => text.length)
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a))
    expect(shown).toHaveLength(all.length - 1)
    expect(new Set(shown).size).toBe(shown.length)
  })
})

describe('unfollowing with the past kept', () => {
  it('keeps what was public until then', async () => {
    await say('bob', 'past')
    expect((await call('DELETE', '/v1/users/reader/follows/bob?keep_history=maybe')).body).toMatchObject({
      code: 'invalid_input',
      errors: [{ pointer: 'query/keep_history' }],
    })
    expect((await call('DELETE', '/v1/users/reader/follows/bob?keep_history=true')).status).toBe(204)
    await say('bob', 'future')
    const texts = textsOf(await timeline('?limit=100'))
    expect([texts.includes('past'), texts.includes('future')]).toEqual([true, false])
    expect((await call('DELETE', '/v1/users/reader/follows/bob')).status).toBe(204)
    expect((await call('DELETE', '/v1/users/reader/mutes/bob?keep_history=true')).status).toBe(204)
  })
})

describe('explaining', () => {
  it('says step by step why a post is shown or not', async () => {
    const shown = await say('ada', 'shown')
    const path = `/v1/users/reader/timeline/explain/${shown}`
    const why = (await call('GET', path)).body
    expect(why).toMatchObject({ user_id: 'reader', post_id: shown, shown: true, due: true })
    expect(why.steps.map((step: { check: string }) => step.check)).toEqual([
      'post',
      'relation',
      'fan-out',
      'timeline',
      'walk',
    ])
    await call('PUT', '/v1/users/reader/mutes/ada')
    const muted = (await call('GET', path)).body
    expect(muted).toMatchObject({ shown: false, due: false })
    expect(muted.steps[1]).toEqual({ check: 'relation', ok: false, detail: 'the user has muted ada' })
    await call('DELETE', '/v1/users/reader/mutes/ada')
    expect((await call('GET', '/v1/users/nobody/timeline/explain/1')).body.code).toBe('user_not_found')
    expect((await call('GET', '/v1/users/reader/timeline/explain/x')).body.code).toBe('post_not_found')
    expect((await call('GET', '/v1/users/reader/timeline/explain/1')).body).toMatchObject({ shown: false, due: false })
  })
})
