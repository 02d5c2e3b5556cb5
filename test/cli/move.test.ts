import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRaw } from '../moves/moving.ts'
import { runCommand, SERVER_KEY, type ServerProcess, startProcess } from '../setup/process.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'

const server = postgresServer()

describe.skipIf(server === undefined)('fanfold move', () => {
  let home: { url: string; drop(): Promise<void> }
  let target: { url: string; drop(): Promise<void> }
  let serving: ServerProcess

  beforeAll(async () => {
    home = await createPostgresDatabase(server!)
    target = await createPostgresDatabase(server!)
    serving = await startProcess(home.url)
  })
  afterAll(async () => {
    await serving.kill()
    await home.drop()
    await target.drop()
  })

  const move = (...args: string[]) => runCommand(['move', ...args, '--database-url', home.url])
  async function put(path: string): Promise<number> {
    const headers = { authorization: `Bearer ${SERVER_KEY}` }
    return (await fetch(`${serving.address}${path}`, { method: 'PUT', headers })).status
  }
  async function newUser(id: string): Promise<void> {
    const response = await fetch(`${serving.address}/v1/users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SERVER_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: id, handle: id, name: id }),
    })
    expect(response.status).toBe(201)
  }

  it('takes follows to another engine under a server that goes on with them there', async () => {
    for (const id of ['ann', 'bob', 'cyd']) await newUser(id)
    expect(await put('/v1/users/ann/follows/bob')).toBeLessThan(300)

    const moved = await move('follows', '--to', target.url)
    expect(moved).toMatchObject({ code: 0 })
    expect(moved.stderr).toContain('Set FANFOLD_FOLLOWS_URL to it everywhere')
    expect(await put('/v1/users/ann/follows/cyd')).toBeLessThan(300)
    const there = await openRaw(target.url)
    try {
      const followees = (await there.follows.outgoing('ann', undefined, 10)).map(({ otherId }) => otherId)
      expect(followees).toEqual(['bob', 'cyd'])
    } finally {
      await there.close()
    }

    const doctor = await runCommand(['doctor', '--database-url', home.url])
    expect(doctor).toMatchObject({ code: 0 })
    expect(doctor.stderr).toContain('follows were moved to')
    const listed = await move('--json')
    expect(JSON.parse(listed.stdout)).toMatchObject([{ store: 'follows', phase: 'done' }])
    expect(await move('follows', '--cancel')).toMatchObject({ code: 1 })
    expect(await move('follows', '--forget')).toMatchObject({ code: 0 })
    expect((await move()).stderr).toContain('no store is moving')
  })

  it('says what is wrong', async () => {
    const cases: readonly [readonly string[], number, string][] = [
      [['posts', '--to', target.url], 2, 'name one of: follows, timelines'],
      [['follows'], 2, 'say one of --to URL, --cancel and --forget'],
      [['follows', '--to', target.url, '--cancel'], 2, 'say one of'],
      [['follows', '--to', home.url], 2, 'already'],
      [['follows', '--to', 'redis://127.0.0.1:1/0'], 1, '127.0.0.1:1'],
      [['timelines', '--to', 'amqp://127.0.0.1:1/'], 1, '127.0.0.1:1'],
      [['follows', '--forget'], 1, 'there is none'],
    ]
    for (const [args, code, words] of cases) {
      const result = await move(...args)
      expect({ args, code: result.code, said: result.stderr.includes(words) ? words : result.stderr }).toEqual({
        args,
        code,
        said: words,
      })
    }
  })
})
