import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createFanfold } from '../../src/app/fanfold.ts'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { runCommand } from '../setup/process.ts'
import { copyTemplate } from '../setup/template.ts'

let folder: string
let template: Awaited<ReturnType<typeof copyTemplate>>
/** The post of b that is taken out of the timeline of a. */
let lost: string
/** The newest post of b. */
let kept: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanfold-cli-'))
  template = await copyTemplate(inject('embeddedTemplate'))
  const edges = join(folder, 'edges.txt')
  await writeFile(edges, 'a b\nc b\n')
  expect((await onDatabase('import', 'follows', edges)).code).toBe(0)
  const fanfold = await createFanfold({ database: `pglite:${template.folder}` })
  for (const userId of ['a', 'b', 'c']) await fanfold.social.rebuildTimelines({ userId })
  lost = (await fanfold.social.publish({ user_id: 'b', content: { text: 'one' } })).post_id
  kept = (await fanfold.social.publish({ user_id: 'b', content: { text: 'two' } })).post_id
  await fanfold.caughtUp()
  await fanfold.close()
})
afterAll(async () => {
  await template.remove()
  await rm(folder, { recursive: true, force: true })
})

const onDatabase = (...args: string[]) => runCommand([...args, '--database-url', `pglite:${template.folder}`])
/** The program's own writes never lose an entry, so the test does it. */
async function loseEntry(): Promise<void> {
  const sql = await openPglite(template.folder)
  await sql.query('delete from user_feed_timeline where user_id = $1 and post_id = $2', ['a', BigInt(lost)])
  await sql.close()
}

describe('timelines from the command line', () => {
  it('are explained as a table and as JSON, with exit 0 for what is as it should be', async () => {
    const shown = await onDatabase('explain', 'timeline', 'a', kept)
    expect(shown.code, shown.stderr).toBe(0)
    expect(shown.stdout).toMatch(/^check +passes +found\n-+ +-+ +-+\npost +ok +published by b/)
    expect(shown.stdout).toContain('the user follows b')
    expect(shown.stdout).toContain('shown: yes, due: yes')
    const stranger = await onDatabase('explain', 'timeline', 'b', kept, '--json')
    expect([stranger.code, JSON.parse(stranger.stdout).shown]).toEqual([0, true])
    const gone = await onDatabase('explain', 'timeline', 'a', '1', '--json')
    expect([gone.code, JSON.parse(gone.stdout)]).toMatchObject([0, { shown: false, due: false }])
    const nobody = await onDatabase('explain', 'timeline', 'nobody', kept)
    expect([nobody.code, nobody.stdout]).toEqual([1, ''])
    expect(nobody.stderr).toContain('No user has the id "nobody"')
  })

  it('that lack an entry are found, explained with exit 1, and mended by a rebuild', { timeout: 120_000 }, async () => {
    expect((await onDatabase('verify', 'social')).stdout).toContain('social: ok')
    await loseEntry()
    const found = await onDatabase('verify', 'social', '--user', 'c', '--user', 'a')
    expect(found.code).toBe(1)
    expect(found.stdout).toContain('social: DIFFERENCES')
    expect(found.stdout).toMatch(new RegExp(`finding +user +post +stored +counted\\n[- ]+\\nmissing +a +${lost}\\n`))
    const json = JSON.parse((await onDatabase('verify', 'social', '--user', 'a', '--json')).stdout)
    expect(json.social).toMatchObject({ ok: false, timelines: 1, missing: 1, extra: 0, duplicate: 0 })
    expect(json.social.findings).toEqual([{ kind: 'missing', user_id: 'a', post_id: lost }])
    expect((await onDatabase('verify', 'social', '--user', 'c')).code).toBe(0)

    const why = await onDatabase('explain', 'timeline', 'a', lost)
    expect(why.code).toBe(1)
    expect(why.stdout).toContain('it is no entry of the timeline')
    expect(why.stdout).toContain('shown: no, due: yes')

    const rebuilt = await onDatabase('rebuild', 'timelines', '--user', 'a', '--json')
    expect([rebuilt.code, JSON.parse(rebuilt.stdout)]).toEqual([0, { timelines: 1 }])
    expect(rebuilt.stderr).toContain('100%  1 of 1')
    expect((await onDatabase('verify', 'social', '--user', 'a')).code).toBe(0)
    expect((await onDatabase('explain', 'timeline', 'a', lost)).code).toBe(0)
    const all = await onDatabase('rebuild', 'timelines')
    expect(all.stderr).toContain('3 timelines built anew')
  })

  it.each([
    [['explain'], 2, /say what to explain: timeline/],
    [['explain', 'timeline', 'a'], 2, /name the user and the post/],
    [['verify', 'orders', '--user', 'a'], 2, /--user is for social/],
    [['verify', 'social', '--sample', 'most'], 2, /--sample must be a number/],
    [['verify', 'social', '--user', 'nobody'], 1, /No user has the id "nobody"/],
    [['rebuild', 'timelines', '--user', 'nobody'], 1, /No user has the id "nobody"/],
    [['rebuild', 'daily_sales_report', '--user', 'a'], 2, /--user is for timelines/],
    [['rebuild', 'horoscope'], 2, /timelines/],
  ])('%s is refused with exit %i', async (args, code, words) => {
    const answer = await onDatabase(...args)
    expect([answer.code, answer.stdout]).toEqual([code, ''])
    expect(answer.stderr).toMatch(words)
  })
})
