import { randomBytes } from 'node:crypto'
import { type Db, MongoClient, MongoServerError } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engines/engine.ts'
import { refusalOf } from '../../src/engines/mongodb/client.ts'
import { openMongodbEngine, targetOf } from '../../src/engines/mongodb/engine.ts'
import { INDEXES } from '../../src/engines/mongodb/schema.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { aPost, NOON } from '../../src/testing/social-values.ts'
import { testContext } from '../setup/context.ts'
import { mongodbServer, ownDatabase } from '../setup/mongodb.ts'
import { runCommand } from '../setup/process.ts'

const server = mongodbServer()
const target = (url: string) => targetOf(parseUrl(url))

describe('the URL of mongodb', () => {
  it('says hosts, database, user and options', () => {
    expect(target('mongodb://me:p%40ss@a:1,b:2/shop?replicaSet=r0&authSource=admin&tls=true&prefix=x_')).toEqual({
      connection: 'mongodb://a:1,b:2/',
      database: 'shop',
      prefix: 'x_',
      options: { auth: { username: 'me', password: 'p@ss' }, replicaSet: 'r0', authSource: 'admin', tls: true },
    })
    expect(target('mongodb://h')).toEqual({ connection: 'mongodb://h/', database: 'fanfold', prefix: '', options: {} })
    expect(target('mongodb+srv://c.example/x').connection).toBe('mongodb+srv://c.example/')
  })

  it('is refused when it has an option, a name or a value that makes no sense', () => {
    const wrong = ['?w=1', '?tls=yes', '?prefix=a.b', 'a.b', 'a/b', '?directConnection=1']
    for (const end of wrong) expect(() => target(`mongodb://h/${end}`)).toThrow(/^MongoDB: /)
    expect(() => target('mongodb://h/?w=1')).toThrow('known: prefix, replicaSet')
  })

  it('is told with what is wrong and what to do, without its password', () => {
    const refused = refusalOf(
      new MongoServerError({ message: 'Authentication failed.', code: 18 }),
      'mongodb://me:***@h/x',
    )
    expect(refused).toMatchObject({
      code: 'engine_unreachable',
      message: expect.stringMatching(/password refused.*authSource/),
    })
    const forbidden = new MongoServerError({ message: 'not authorized on x', code: 13 })
    expect(refusalOf(forbidden, 'mongodb://h/x').message).toContain('may not use this database')
    const old = new Error('Server at h reports maximum wire version 8, but this version requires at least 9')
    expect(refusalOf(old, 'mongodb://h/x').code).toBe('engine_unsupported')
  })
})

describe.skipIf(server === undefined)('the mongodb engine', () => {
  const engines: Engine[] = []
  let client: MongoClient
  let url: string
  let db: Db
  const open = async (at = url) => {
    const engine = await openMongodbEngine(parseUrl(at), testContext())
    engines.push(engine)
    return engine
  }
  beforeAll(async () => {
    url = ownDatabase(server!)
    client = new MongoClient(url)
    db = client.db()
  })
  afterAll(async () => {
    for (const engine of engines) await engine.close()
    await db?.dropDatabase()
    await client?.close()
  })

  it('makes its indexes once, whoever else does so at the same time, and none when asked what is missing', async () => {
    const steps = Object.values(INDEXES).flat().length
    const several = await Promise.all([open(), open(), open(), open()])
    const first = several[0]!
    expect(await first.pendingMigrations()).toBe(steps)
    expect((await first.migrate({ dryRun: true })).pending).toHaveLength(steps)
    expect(await first.pendingMigrations()).toBe(steps)
    await Promise.all(several.map((engine) => engine.migrate()))
    expect(await first.pendingMigrations()).toBe(0)
    expect(await first.migrate()).toMatchObject({ pending: [], applied: true, version: steps })
    const names = (await db.collection('posts').listIndexes().toArray()).map((index) => index['name'])
    expect(names.sort()).toEqual(['_id_', ...INDEXES.posts.map((index) => index.name)].sort())
  })

  it('keeps what is under one prefix apart from what is under another', async () => {
    const [a, b] = await Promise.all(['a_', 'b_'].map((prefix) => open(`${url}?prefix=${prefix}`)))
    await Promise.all([a!.migrate(), b!.migrate()])
    const [inA, inB] = await Promise.all([a!.ports.posts!(testContext()), b!.ports.posts!(testContext())])
    await inA.insert([aPost(5n, 'x')])
    expect([(await inA.find([5n])).length, (await inB.find([5n])).length]).toEqual([1, 0])
  })

  it('says when nobody listens, and fails what is asked of a closed one as unavailable', async () => {
    const away = openMongodbEngine(parseUrl('mongodb://me:secret@127.0.0.1:1/x'), testContext())
    const error = (await away.catch((reason) => reason)) as Error
    expect(error).toMatchObject({
      code: 'engine_unreachable',
      message: expect.stringContaining('nobody listens there'),
    })
    expect(error.message).not.toContain('secret')
    const engine = await open(`${url}?prefix=${randomBytes(2).toString('hex')}`)
    const posts = await engine.ports.posts!(testContext())
    await engine.close()
    await expect(posts.applyLikes([{ postId: 1n, userId: 'x', liked: true }], NOON)).rejects.toMatchObject({
      code: 'unavailable',
    })
  })

  it('tells the doctor what to do', { timeout: 120_000 }, async () => {
    const doctor = (at: string) => runCommand(['doctor', '--database-url', 'pglite:memory', '--posts-url', at])
    const [missing, wrong] = await Promise.all([
      doctor(ownDatabase(server!)),
      doctor('mongodb://me:secret@127.0.0.1:1/x'),
    ])
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('fanfold migrate')])
    expect(missing.stdout).toContain('MongoDB ')
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('nobody listens there')])
    expect(wrong.stdout + wrong.stderr).not.toContain('secret')
  })
})
