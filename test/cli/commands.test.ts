import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { runCommand, send, startProcess } from '../setup/process.ts'
import { copyTemplate } from '../setup/template.ts'

let folder: string
let database: string
let template: Awaited<ReturnType<typeof copyTemplate>>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanfold-cli-'))
  template = await copyTemplate(inject('embeddedTemplate'))
  database = `pglite:${template.folder}`
})
afterAll(async () => {
  await template.remove()
  await rm(folder, { recursive: true, force: true })
})

const onDatabase = (...args: string[]) => runCommand([...args, '--database-url', database])

describe('help and usage', () => {
  it('lists every command and every setting', async () => {
    const { code, stdout } = await runCommand(['--help'])
    expect(code).toBe(0)
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command.name} `)
    expect(stdout).toContain('--database-url')
  })

  it.each(COMMANDS.map((command) => command.name))('%s --help shows its usage and examples', async (name) => {
    const { code, stdout } = await runCommand([name, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`Usage: fanfold ${name}`)
    expect(stdout).toContain('Examples:\n  ')
  })

  it.each([
    [['fly'], /no command "fly"/],
    [['serve', '--wings', '2'], /wings/],
    [['import', 'planets', 'x'], /follows, posts, orders/],
    [['import', 'follows', '/nowhere/at/all'], /no file/],
    [['report'], /sales, facts or settlement/],
    [['report', 'facts'], /--csv FILE/],
    [['archive'], /report/],
    [['rebuild', 'timelines', '--month', '2026-03'], /--month is for/],
    [['keys', 'steal'], /keys steal/],
  ])('%s is wrong usage: words on stderr, exit 2', async (args, words) => {
    const { code, stdout, stderr } = await runCommand(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(words)
  })

  it('reports every configuration problem at once', async () => {
    const { code, stderr } = await runCommand(['migrate', '--port', 'x'], {
      FANFOLD_LOG_LEVEL: 'loud',
      FANFOLD_DATABASE_URL: 'nonsense',
      FANFOLD_DATABSE_URL: 'pglite:x',
    })
    expect(code).toBe(2)
    for (const part of ['--port', 'FANFOLD_LOG_LEVEL', 'FANFOLD_DATABASE_URL', 'FANFOLD_DATABSE_URL'])
      expect(stderr).toContain(part)
  })
})

describe('set-up', () => {
  it('migrates, tells what a dry run would do, and changes nothing twice', async () => {
    const fresh = `pglite:${join(folder, 'fresh', 'data')}`
    const dry = await runCommand(['migrate', '--dry-run', '--json', '--database-url', fresh])
    expect(JSON.parse(dry.stdout).engines[0].steps.length).toBeGreaterThan(3)
    const first = await runCommand(['migrate', '--json', '--database-url', fresh])
    expect(JSON.parse(first.stdout).engines[0].steps.length).toBeGreaterThan(3)
    const second = await runCommand(['migrate', '--json', '--database-url', fresh])
    expect(JSON.parse(second.stdout).engines[0].steps).toEqual([])
  })

  it('doctor says what is wrong with a URL and exits 1', async () => {
    const good = await onDatabase('doctor', '--json')
    expect([good.code, JSON.parse(good.stdout)[0].ok]).toEqual([0, true])
    const bad = await onDatabase('doctor', '--json', '--payments-url', 'postgres://nobody:secret@127.0.0.1:1/none')
    expect(bad.code).toBe(1)
    expect(bad.stdout).not.toContain('secret')
    expect(JSON.parse(bad.stdout)).toContainEqual(expect.objectContaining({ ok: false, stores: ['payments'] }))
    const unknown = await onDatabase('doctor', '--timelines-url', 'carrier-pigeon://loft')
    expect(unknown.stderr).toContain('No engine for "carrier-pigeon:"')
  })

  it('makes, lists and revokes keys', async () => {
    const made = await onDatabase('keys', 'create', 'shop', '--scopes', 'orders,reports:read', '--json')
    const key = JSON.parse(made.stdout)
    expect(key).toMatchObject({ name: 'shop', scopes: ['orders', 'reports:read'] })
    expect((await onDatabase('keys', 'list')).stdout).toContain(key.key_id)
    expect((await onDatabase('keys', 'revoke', key.key_id)).code).toBe(0)
    const again = await onDatabase('keys', 'revoke', key.key_id)
    expect([again.code, again.stderr.includes('No API key')]).toEqual([1, true])
    expect((await onDatabase('keys', 'create', 'x', '--scopes', 'everything')).stderr).toContain('is no scope')
  })
})

describe('serve', () => {
  it('keeps its data, refuses a second process, and ends with 0 on Ctrl-C', { timeout: 120_000 }, async () => {
    const copy = await copyTemplate(inject('embeddedTemplate'))
    const url = `pglite:${copy.folder}`
    const server = await startProcess(url)
    expect(
      (await send(server.address, 'POST', '/v1/users', { user_id: 'ada', handle: 'ada', name: 'Ada' }))?.status,
    ).toBe(201)
    const refused = await runCommand(['verify', '--database-url', url])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`in use by process ${server.child.pid}`)
    expect(await server.stop()).toBe(0)

    const second = await startProcess(url)
    expect((await send(second.address, 'GET', '/v1/users/ada'))?.body.name).toBe('Ada')
    expect(await second.stop()).toBe(0)
    await copy.remove()
  })
})

describe('imports', () => {
  it('imports follows and posts, names bad lines, adds nothing the second time, and verifies', async () => {
    const edges = join(folder, 'edges.txt')
    await writeFile(edges, 'a b\nc b\nnonsense\nb a\n')
    const first = await onDatabase('import', 'follows', edges, '--json')
    expect(JSON.parse(first.stdout)).toMatchObject({ follows_added: 3, bad_lines: 1 })
    expect(first.stderr).toContain('line 3')
    expect(JSON.parse((await onDatabase('import', 'follows', edges, '--json')).stdout)).toMatchObject({
      follows_added: 0,
      follows_present: 3,
    })

    const posts = join(folder, 'posts.jsonl')
    await writeFile(posts, '{"user_id":"b","text":"one"}\n{"user_id":"b","text":"two"}\n')
    expect(JSON.parse((await onDatabase('import', 'posts', posts, '--json')).stdout)).toMatchObject({ posts_added: 2 })
    expect(JSON.parse((await onDatabase('import', 'posts', posts, '--json')).stdout)).toMatchObject({ posts_added: 0 })

    const verified = await onDatabase('verify', 'social', '--json')
    expect(verified.code, verified.stdout).toBe(0)
    expect(JSON.parse(verified.stdout).social).toMatchObject({ ok: true, missing: 0, extra: 0, duplicate: 0, posts: 2 })
  })

  it('rebuilds a read model and names those there are', async () => {
    expect((await onDatabase('rebuild', 'daily_sales_report')).code).toBe(0)
    const wrong = await onDatabase('rebuild', 'horoscope')
    expect([wrong.code, wrong.stderr.includes('daily_sales_report')]).toEqual([2, true])
  })

  it('prints the report as a table, and as the JSON of the HTTP route', async () => {
    expect((await onDatabase('report', 'sales')).stdout).toContain('quantity')
    const { stdout } = await onDatabase('report', 'sales', '--json', '--product-category', 'None')
    expect(JSON.parse(stdout)).toMatchObject({ total: { price: 0, quantity: 0, orders: 0 }, rows: [] })
  })

  it('writes the report and its rows as CSV, rebuilds a month, and archives', async () => {
    const [sales, facts] = [join(folder, 'sales.csv'), join(folder, 'facts.csv')]
    expect((await onDatabase('report', 'sales', '--csv', sales)).code).toBe(0)
    expect(await readFile(sales, 'utf8')).toMatch(/^price,tax,quantity,orders,currency\n0,/)
    expect((await onDatabase('report', 'facts', '--csv', facts)).code).toBe(0)
    expect(await readFile(facts, 'utf8')).toMatch(/^booked_day,order_id,.*\n$/)
    const rebuilt = await onDatabase('rebuild', 'daily_sales_report', '--month', '2026-03', '--json')
    expect(JSON.parse(rebuilt.stdout)).toEqual({ projection: 'daily_sales_report', month: '2026-03', facts: 0 })
    const archived = await onDatabase('archive', 'report', '--before', '2024-01', '--json')
    expect(JSON.parse(archived.stdout)).toEqual({ months: [] })
    expect((await onDatabase('archive', 'report', '--before', '2999-01')).code).toBe(1)
  })
})
