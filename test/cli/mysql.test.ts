import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { isSupported } from '../../src/engines/mysql/engine.ts'
import { migrateAll } from '../../src/engines/mysql/migrate.ts'
import { profileOf } from '../../src/engines/mysql/profiles.ts'
import { targetOf } from '../../src/engines/mysql/target.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { createMysqlDatabase, mysqlServer, openMysqlUrl } from '../setup/mysql.ts'
import { runCommand } from '../setup/process.ts'
import { copyTemplate } from '../setup/template.ts'

describe('the URL of a MySQL or MariaDB', () => {
  it('says host, port, user, password, database and whether to encrypt', () => {
    expect(targetOf(parseUrl('mysql://me:p%40ss@db.local/shop'))).toEqual({
      host: 'db.local',
      port: 3306,
      user: 'me',
      password: 'p@ss',
      database: 'shop',
      ssl: undefined,
    })
    expect(targetOf(parseUrl('mariadb://me@[::1]:3307/shop?tls=verify'))).toMatchObject({
      host: '::1',
      port: 3307,
      ssl: { rejectUnauthorized: true },
    })
  })

  it.each([
    ['mysql://me@db.local', 'name the database'],
    ['mysql://me@db.local/shop?ssl=1', '?ssl= is not known; known: tls'],
    ['mysql://me@db.local/shop?tls=maybe', '?tls=maybe is not known'],
    ['mysql://me@one,two/shop', 'several hosts'],
  ])('is refused where it means nothing: %s', (url, problem) => {
    expect(() => targetOf(parseUrl(url))).toThrow(
      expect.toSatisfy((error: Error) => isAppError(error, 'invalid_config') && error.message.includes(problem)),
    )
  })
})

describe('a server', () => {
  it.each([
    ['MariaDB 10.11.6', true],
    ['MariaDB 10.6.0', true],
    ['MariaDB 10.5.99', false],
    ['MariaDB 11.0.1', true],
    ['MySQL 8.0.21', true],
    ['MySQL 8.0.20', false],
    ['MySQL 8.4.0', true],
    ['MySQL 5.7.44', false],
  ])('is served when it is new enough: %s', (version, expected) => {
    const profile = profileOf(version)
    expect(version).toContain(profile.product)
    expect(isSupported(version, profile.since)).toBe(expected)
  })
})

const server = mysqlServer()

describe.skipIf(server === undefined)('doctor on MariaDB', () => {
  let database: { url: string; drop(): Promise<void> }
  let embedded: Awaited<ReturnType<typeof copyTemplate>>
  beforeAll(async () => {
    database = await createMysqlDatabase(server!)
    embedded = await copyTemplate(inject('embeddedTemplate'))
  })
  afterAll(async () => {
    await embedded.remove()
    await database.drop()
  })

  async function diagnose(urls: Readonly<Record<string, string>>) {
    const stores = Object.entries(urls).flatMap(([store, url]) => [`--${store}-url`, url])
    const { stdout } = await runCommand(['doctor', '--json', '--database-url', `pglite:${embedded.folder}`, ...stores])
    expect(stdout).not.toContain('a-wrong-one')
    const findings = JSON.parse(stdout) as { stores: string[]; ok: boolean; problem: string | null; version: string }[]
    return (store: string) => findings.find(({ stores }) => stores.includes(store))
  }
  function urlWith(parts: Partial<Record<'port' | 'username' | 'password' | 'pathname', string>>): string {
    return Object.assign(new URL(database.url), parts).href
  }

  it('says what is wrong and what to do about it', { timeout: 120_000 }, async () => {
    const found = await diagnose({
      follows: urlWith({ port: '1' }),
      payments: urlWith({ username: 'fanfold', password: 'a-wrong-one' }),
      posts: urlWith({ pathname: '/not_there' }),
      orders: database.url,
    })
    const says = (problem: RegExp) => ({ ok: false, problem: expect.stringMatching(problem) })
    expect(found('follows')).toMatchObject(says(/nobody listens on 127\.0\.0\.1:1; start the server/))
    expect(found('payments')).toMatchObject(says(/user "fanfold" or the password is wrong; correct the URL/))
    expect(found('posts')).toMatchObject(says(/no database "not_there"; as an administrator: create database/))
    expect(found('orders')).toMatchObject(says(/lacks \d+ schema step\(s\); run: fanfold migrate/))
  })

  it('is content once the schema is there, and says which stores are not served', { timeout: 120_000 }, async () => {
    const sql = await openMysqlUrl(database.url, 1)
    await migrateAll(sql)
    await sql.close()
    const found = await diagnose({ orders: database.url, posts: `${database.url}?tls=off` })
    const version = expect.stringMatching(/^(MariaDB|MySQL) \d/)
    expect(found('orders')).toMatchObject({ ok: true, problem: null, version })
    expect(found('posts')).toMatchObject({ ok: false, problem: expect.stringMatching(/does not serve posts/) })
  })
})
