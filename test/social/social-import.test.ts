import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFanout } from '../../src/social/fanout/fanout.ts'
import { createHandQueue, type HandQueue, openSocial, type SocialUnderTest } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

describe('importing follows', () => {
  let under: SocialUnderTest
  beforeAll(async () => {
    under = await openSocial(sqlEngines()[0]!)
  })
  afterAll(() => under.close())

  const followees = async (id: string) => (await under.social.follows(id)).items.map((item) => item.user_id)

  it('adds edges and people once, and names each bad line', async () => {
    const lines = ['# a comment', '1 2', '1\t3', '2,3', '', '1 1', 'only-one', 'a b c', 'é 1', '1 2']
    const expected = {
      lines: 10,
      follows_added: 3,
      follows_present: 1,
      users_added: 3,
      bad_lines: 4,
      bad: [
        { line: 6, reason: 'follows himself' },
        { line: 7, reason: 'is not two user ids' },
        { line: 8, reason: 'is not two user ids' },
        { line: 9, reason: 'holds something that cannot be a user id' },
      ],
    }
    expect(await under.social.importFollows(lines)).toEqual(expected)
    expect(await under.social.importFollows(lines)).toEqual({
      ...expected,
      follows_added: 0,
      follows_present: 4,
      users_added: 0,
    })
    expect(await followees('1')).toEqual(['2', '3'])
    expect(await under.social.user('2')).toMatchObject({ handle: 'user_2', name: '2' })
  })

  it('finds another handle where the plain one is taken or impossible', async () => {
    await under.social.createUser({ user_id: 'thief', handle: 'USER_x1', name: 'Thief' })
    await under.social.importFollows([`x1 thief`, `a:b thief`, `${'y'.repeat(64)} thief`])
    for (const id of ['x1', 'a:b', 'y'.repeat(64)])
      expect((await under.social.user(id)).handle).toMatch(/^user_[0-9a-f]{20}$/)
  })

  it('shows new followers what was posted before, also those whose timelines are ready', async () => {
    await under.people('old-author')
    await under.readers('newcomer')
    for (const text of ['1', '2', '3']) await under.social.publish({ user_id: 'old-author', content: { text } })
    await under.social.importFollows(['newcomer old-author'])
    const timeline = await under.social.timeline('newcomer')
    expect(timeline.items.map((post) => post.content.text)).toEqual(['3', '2', '1'])
    expect(await under.deps.follows.pendingBackfills(new Date(Date.now() + 60_000), 10)).toEqual([])
  })

  it('does not bring back a person who is being erased', async () => {
    await under.people('leaving')
    await under.social.eraseUser('leaving')
    const report = await under.social.importFollows(['leaving 1'])
    expect(report).toMatchObject({ follows_added: 0, bad: [{ line: 1, reason: 'names a user who is being erased' }] })
  })
})

describe('importing posts', () => {
  let under: SocialUnderTest
  let queue: HandQueue
  let folder: string
  beforeAll(async () => {
    queue = createHandQueue()
    under = await openSocial(sqlEngines()[0]!, { queue })
    folder = await mkdtemp(join(tmpdir(), 'fanfold-import-'))
    await under.people('ann', 'ben', 'eve')
    await under.social.follow('eve', 'ann')
  })
  afterAll(async () => {
    await under.close()
    await rm(folder, { recursive: true })
  })

  async function write(name: string, text: string): Promise<string> {
    const file = join(folder, name)
    await writeFile(file, text)
    return file
  }

  it('publishes JSON Lines once, at their own times, and names each bad line', async () => {
    const file = await write(
      'posts.jsonl',
      [
        '{"user_id":"ann","text":"newer","timestamp":"2024-05-02T00:00:00Z"}',
        '{"user_id":"ann","text":"older","timestamp":"2024-05-01T00:00:00Z","key":"my-key"}',
        '{"user_id":"ben","media":[{"url":"https://x.example/a.jpg","type":"image"}],"visibility":"followers"}',
        '{broken',
        '{"user_id":"nobody","text":"x"}',
        '{"user_id":"ann"}',
        '{"user_id":"ann","text":"x","timestamp":"1999-01-01T00:00:00Z"}',
      ].join('\n'),
    )
    const expected = { lines: 7, posts_added: 3, posts_present: 0, bad_lines: 4 }
    const report = await under.social.importPosts(file)
    expect(report).toMatchObject(expected)
    expect(report.bad).toMatchObject([
      { line: 4, reason: 'is not valid JSON' },
      { line: 6, reason: expect.stringContaining('/content') },
      { line: 7, reason: expect.stringContaining('timestamp') },
      { line: 5, reason: 'no user has the id "nobody"' },
    ])
    expect(await under.social.importPosts(file)).toMatchObject({ ...expected, posts_added: 0, posts_present: 3 })
    await queue.drain(createFanout(under.deps).handle)
    const timeline = await under.social.timeline('eve')
    expect(timeline.items.map((post) => [post.content.text, post.timestamp])).toEqual([
      ['newer', '2024-05-02T00:00:00.000Z'],
      ['older', '2024-05-01T00:00:00.000Z'],
    ])
    expect((await under.social.posts('ben')).items).toMatchObject([
      { visibility: 'followers', content: { media: [{ type: 'image' }] } },
    ])
    expect(await under.social.verify()).toMatchObject({ ok: true, pending: 0 })
  })

  it('publishes CSV', async () => {
    const file = await write(
      'posts.csv',
      'user_id,text,media_url,key\nben,"with, comma and ""quotes""",,k1\nben,,https://x.example/b.png,k2\nben,too,many,fields,here\n',
    )
    const report = await under.social.importPosts(file)
    expect(report).toMatchObject({
      lines: 4,
      posts_added: 2,
      bad: [{ line: 4, reason: 'has 5 fields, the header has 4' }],
    })
    expect((await under.social.posts('ben', { limit: 2 })).items.map((post) => post.content)).toEqual([
      { media: [{ url: 'https://x.example/b.png', type: 'image' }] },
      { text: 'with, comma and "quotes"' },
    ])
  })

  it('gives posts of one moment ids of their own, also after a restart', async () => {
    const line = (n: number) =>
      JSON.stringify({ user_id: 'ann', text: `${n}`, timestamp: '2023-01-01T00:00:00Z', key: `same-${n}` })
    const lines = Array.from({ length: 150 }, (_, n) => line(n))
    expect(await under.social.importPosts(lines.slice(0, 100))).toMatchObject({ posts_added: 100, bad_lines: 0 })
    // Another process has the same node number and has forgotten which ids of the past are used.
    const { createIdMaker } = await import('../../src/core/ids.ts')
    const { createSocial } = await import('../../src/social/social.ts')
    const restarted = createSocial({ ...under.deps, ids: createIdMaker({ node: 1, clock: under.deps.clock }) })
    expect(await restarted.importPosts(lines.slice(100).reverse())).toMatchObject({ posts_added: 50, bad_lines: 0 })
    expect(await restarted.importPosts(lines)).toMatchObject({ posts_added: 0, posts_present: 150, bad_lines: 0 })
  })
})
