import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Lane } from '../../src/queue/port.ts'
import { until } from '../../src/testing/until.ts'
import { seededRandom } from '../setup/random.ts'
import { openSocial } from '../setup/social.ts'
import { sqlEngines } from '../setup/sql.ts'

const folder = process.env['FANFOLD_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data')
const file = join(folder, 'facebook_follows.txt')
const present = existsSync(file)
if (!present) process.stderr.write(`left out: the real follow graph (${file} is not there; set FANFOLD_TEST_DATA)\n`)

const EDGES = 176_468
const PEOPLE = 4_039
const POSTS = 2_000
const MINUTES = 60_000

describe.skipIf(!present)('the real follow graph, on an embedded database', () => {
  it('imports, publishes, fans out, and every timeline equals the naive pull query', {
    timeout: 10 * MINUTES,
  }, async () => {
    const under = await openSocial(sqlEngines()[0]!)
    const { social, deps } = under
    const seconds = stopwatch()

    let progress = 0
    const first = await social.importFollows(file, { onProgress: (done, total) => (progress = done / (total ?? 1)) })
    expect(first).toMatchObject({
      lines: EDGES,
      follows_added: EDGES,
      users_added: PEOPLE,
      follows_present: 0,
      bad_lines: 0,
    })
    expect(progress).toBe(1)
    const imported = seconds()
    expect(await social.importFollows(file)).toMatchObject({
      follows_added: 0,
      users_added: 0,
      follows_present: EDGES,
      bad_lines: 0,
    })
    const repeated = seconds()

    // Seven of eight read: their timelines are there before the posts come.
    const everybody = await deps.users.ids(undefined, PEOPLE)
    const readers = everybody.filter((_, n) => n % 8 > 0)
    for (const userId of readers) await social.rebuildTimelines({ userId })
    const built = seconds()

    const authors = await authorsOf(under.database.sql)
    const workers = social.startWorkers({ concurrency: 4 })
    const publishers = Array.from({ length: 16 }, async (_, lane) => {
      for (let n = lane; n < POSTS; n += 16) {
        const userId = authors[n % authors.length]!
        await social.publish({ user_id: userId, content: { text: `post ${n}` } }, { idempotencyKey: `post-${n}` })
      }
    })
    await Promise.all(publishers)
    const published = seconds()
    const depthOf = async (lane: Lane) =>
      (await deps.queue.depths()).filter((topic) => topic.lane === lane && topic.depth > 0).length
    await until(
      'both lanes are empty',
      async () => (await depthOf('small')) + (await depthOf('bulk')) === 0,
      5 * MINUTES,
    )
    await workers.close()
    const drained = seconds()

    const report = await social.verify()
    const verified = seconds()
    const [sums] = await under.database.sql.query<{ delivered: bigint; inactive: bigint; pending: bigint }>(
      'select sum(delivered)::bigint as delivered, sum(inactive)::bigint as inactive, ' +
        'count(*) filter (where done_at is null) as pending from post_fanouts',
    )
    process.stderr.write(
      `real graph: import ${imported} s, again ${repeated} s, ${readers.length} timelines ${built} s, publish ` +
        `${published} s, rest of the fan-out ${drained} s (${sums!.delivered} deliveries), verify ${verified} s (${report.entries} entries)\n`,
    )
    expect(report.findings).toEqual([])
    expect(report).toMatchObject({
      ok: true,
      timelines: PEOPLE,
      posts: POSTS,
      missing: 0,
      extra: 0,
      duplicate: 0,
      pending: 0,
    })
    expect(report.entries).toBe(Number(sums!.delivered + sums!.inactive) + POSTS)
    expect(Number(sums!.delivered)).toBeGreaterThan(report.entries / 2)
    expect(Number(sums!.inactive)).toBeGreaterThan(report.entries / 20)
    expect(sums!.pending).toBe(0n)
    await under.close()
  })
})

/** The 50 most followed and 50 others. */
async function authorsOf(sql: { query<Row extends object>(text: string): Promise<Row[]> }): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    'select followee_id as id from follows group by followee_id order by count(*) desc, followee_id',
  )
  const ids = rows.map((row) => row.id)
  const random = seededRandom(1)
  const others = new Set<string>()
  while (others.size < 50) others.add(ids[50 + random.int(ids.length - 50)]!)
  return [...ids.slice(0, 50), ...others]
}

function stopwatch(): () => string {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const seconds = ((now - last) / 1_000).toFixed(1)
    last = now
    return seconds
  }
}
